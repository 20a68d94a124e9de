/** The programs of the conformance suite in R, for an interpreter of the machine and for a server. */
import { scriptPrograms } from './programs';

export const rPrograms = scriptPrograms({
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
