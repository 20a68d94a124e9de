import { describeEngine } from '../../support/engines';
import { conformance } from '../conformance/suite';
import { scriptPrograms, scriptTask } from '../script/programs';
import { backendOf } from '../written';

const programs = scriptPrograms({
  copy: `
invisible(file.copy(text, "copied.txt"))
copy <- "copied.txt"
facts <- list(who = who, lines = length(readLines(text)))
`,
  carry: 'invisible(file.copy(data, outputs$big))',
  say: (stdout, stderr) => `cat("${stdout}\\n")\nmessage("${stderr}")`,
  shell: (script, token) => `invisible(system2("sh", c("-c", shQuote('${script}'), "${token}")))`,
  progress: 'progress(42, "halfway")',
  exit: (code) => `quit(status = ${code})`,
  partial: 'cat("half", file = "first")\nquit(status = 3)',
  greet: 'cat(Sys.getenv("GREETING"))',
  rename: (name) => `invisible(file.copy(text, "${name}"))\ncat(basename(text))`,
});

describeEngine('RSERVE', 'RSERVE', ({ url }) => {
  const { hostname, port } = new URL(url.replace('rserve:', 'http:'));
  conformance({
    spec: () => backendOf(`kind: rserve\nhost: ${hostname}\nport: ${port}`),
    programs,
    cancelSeconds: 10,
    survivesWorker: true,
    refused: { task: () => scriptTask('x <- (1\n'), message: /Exit code 1/ },
    timeoutMs: 180_000,
    many: 20,
  });
});
