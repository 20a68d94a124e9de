/** The R code that runs on Rserve's machine: how an Attempt is begun there, watched and ended. */

/** A text as R writes it. */
export function quoted(text: string): string {
  const escaped = text
    .replace(/["\\]/g, '\\$&')
    .replace(/[\u0001-\u001f\u007f]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `"${escaped}"`;
}

export const quotedAll = (texts: readonly string[]): string =>
  texts.length === 0 ? 'character(0)' : `c(${texts.map(quoted).join(', ')})`;

/** The variable by which what a script starts is found again. */
export const MARK = 'STEPCAST_FOLDER';

/** How the folders of Attempts are called: nothing else is ever removed. */
const PREFIX = 'stepcast-rserve-';
/** More processes of one Attempt than this are not counted. */
const MAX_PROCESSES = 1024;
/** How many files of one Attempt are brought back. */
const MAX_ENTRIES = 100_000;
/** Folders whose Attempts nobody asked for any more for so long are removed. */
const STALE_DAYS = 7;

/** What every session that watches others knows. Each function gives texts, bytes or NULL. */
export const WATCHER = String.raw`
Sys.umask("077")
stepcast <- local({
  # A process and what it started are told by /proc; elsewhere than on Linux the session alone is.
  started <- function(pid) {
    line <- suppressWarnings(try(readLines(sprintf("/proc/%s/stat", pid), 1), silent = TRUE))
    if (inherits(line, "try-error") || length(line) == 0) return(NULL)
    fields <- strsplit(sub(".*\\) ", "", line), " ")[[1]]
    if (fields[1] %in% c("Z", "X")) NULL else fields
  }
  alive <- function(base) {
    file <- file.path(base, ".pid")
    if (!file.exists(file)) return(NA)
    told <- readLines(file)
    if (!dir.exists("/proc/self")) return(tools::pskill(as.integer(told[1]), 0))
    fields <- started(told[1])
    !is.null(fields) && fields[20] == told[2]
  }
  family <- function(base) {
    own <- if (isTRUE(alive(base))) readLines(file.path(base, ".pid"))[1]
    if (!dir.exists("/proc/self")) return(as.integer(own))
    # Those of the session's own user, of which alone the environment is told.
    pids <- list.files("/proc", "^[0-9]+$")
    pids <- pids[file.access(sprintf("/proc/%s/environ", pids), 4) == 0]
    parents <- vapply(pids, function(pid) c(started(pid)[2], NA_character_)[1], "")
    # With the NUL that ends it: the name of a folder may begin like another's.
    mark <- c(charToRaw(paste0("${MARK}=", base)), as.raw(0))
    marked <- vapply(pids, function(pid) {
      bytes <- suppressWarnings(try(readBin(sprintf("/proc/%s/environ", pid), raw(), 1e6), silent = TRUE))
      is.raw(bytes) && length(grepRaw(mark, bytes, fixed = TRUE)) > 0
    }, NA)
    chosen <- union(own, pids[marked & !is.na(parents)])
    repeat {
      more <- setdiff(pids[parents %in% chosen], chosen)
      if (length(more) == 0) break
      chosen <- c(chosen, more)
    }
    setdiff(as.integer(chosen), Sys.getpid())
  }
  # The processes with these ids and their descendants.
  descendants <- function(pids) {
    at <- 1
    while (at <= length(pids) && length(pids) < ${MAX_PROCESSES}) {
      children <- sprintf("/proc/%1$s/task/%1$s/children", pids[at])
      line <- suppressWarnings(try(readLines(children, 1, warn = FALSE), silent = TRUE))
      if (!inherits(line, "try-error")) pids <- union(pids, unlist(strsplit(line, " ")))
      at <- at + 1
    }
    pids
  }
  # The sum of a field that /proc tells in kB.
  kilobytes <- function(pids, file, field) sum(vapply(pids, function(pid) {
    lines <- suppressWarnings(try(readLines(sprintf("/proc/%s/%s", pid, file), warn = FALSE), silent = TRUE))
    line <- if (inherits(lines, "try-error")) character(0) else grep(field, lines, value = TRUE)
    if (length(line) == 0) 0 else as.numeric(gsub("[^0-9]", "", line[1]))
  }, 0))
  list(
    make = function(parent) {
      if (parent == "") {
        parent <- dirname(getwd())
        if (file.access(parent, 2) != 0) parent <- tempdir()
      }
      old <- list.files(parent, "^${PREFIX}", full.names = TRUE)
      for (one in old) {
        age <- difftime(Sys.time(), file.mtime(one), units = "days")
        if (!is.na(age) && age > ${STALE_DAYS} && !isTRUE(alive(one))) unlink(one, recursive = TRUE, force = TRUE)
      }
      base <- tempfile("${PREFIX}", parent)
      for (folder in c("in", "out", "tmp", "script")) dir.create(file.path(base, folder), FALSE, TRUE)
      if (!dir.exists(file.path(base, "out"))) stop("the folder ", parent, " cannot be written to")
      normalizePath(base)
    },
    folders = function(paths) for (path in paths) dir.create(path, FALSE, TRUE),
    # RUNNING, GONE, or what the session left as its last word.
    state = function(base) {
      if (!dir.exists(base)) return("MISSING")
      living <- alive(base)
      if (is.na(living)) return("BEGINNING")
      if (living) return("RUNNING")
      file <- file.path(base, ".status")
      if (file.exists(file)) paste(readLines(file), collapse = " ") else "GONE"
    },
    tail = function(path, from, count) {
      if (!file.exists(path) || file.size(path) <= from) return(raw(0))
      file <- file(path, "rb")
      on.exit(close(file))
      seek(file, from)
      readBin(file, raw(), count)
    },
    signal = function(base, signal) {
      pids <- family(base)
      if (length(pids) > 0) tools::pskill(pids, signal)
      as.character(length(pids))
    },
    # What all its processes hold together, in bytes; nothing where that is not told. Forked sessions share pages, which
    # each of them counts as its own: the exact figure is dear, so it comes second.
    used = function(base, limit, thorough) {
      if (!file.exists("/proc/self/task")) return("")
      if (!isTRUE(alive(base))) return("0")
      pids <- if (thorough) as.character(family(base)) else descendants(readLines(file.path(base, ".pid"), 1))
      total <- kilobytes(pids, "status", "^VmRSS:")
      if (1024 * total > limit) {
        exact <- kilobytes(pids, "smaps_rollup", "^Pss:")
        if (exact > 0) total <- exact
      }
      sprintf("%.0f", 1024 * total)
    },
    # Folders, and files with their sizes; a link that leads nowhere is none of them.
    list = function(folder) {
      paths <- list.files(folder, all.files = TRUE, recursive = TRUE, include.dirs = TRUE, no.. = TRUE)
      if (length(paths) > ${MAX_ENTRIES}) stop("there are ${MAX_ENTRIES} files and more")
      if (length(paths) == 0) return(character(0))
      facts <- file.info(file.path(folder, paths), extra_cols = FALSE)
      told <- paste0(ifelse(facts$isdir, "D", sprintf("%.0f", facts$size)), " ", enc2utf8(paths))
      told[!is.na(facts$isdir)]
    },
    remove = function(base) unlink(base, recursive = TRUE, force = TRUE)
  )
})
NULL
`;

/** What a launch needs to know. */
export interface Launch {
  readonly base: string;
  readonly driver: string;
  readonly request: string;
  /** The path of what the script reads from its standard input. */
  readonly stdin: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Makes the session one of a script: its input comes from a file; its output, also that of programs which it starts, goes to
 * files, from where it is read while it runs; \`quit\` leaves a last word; the driver finds its request. It never returns.
 */
export function launchCode({ base, driver, request, stdin, environment }: Launch): string {
  const variables = Object.entries({ ...environment, [MARK]: base });
  return String.raw`
local({
  base <- ${quoted(base)}
  Sys.umask("077")
  pid <- Sys.getpid()
  line <- if (file.exists("/proc/self/stat")) readLines("/proc/self/stat", 1) else ") "
  # Renamed when it is whole: who finds half of it would take the session for gone.
  writeLines(c(pid, strsplit(sub(".*\\) ", "", line), " ")[[1]][20]), file.path(base, ".pid.new"))
  file.rename(file.path(base, ".pid.new"), file.path(base, ".pid"))
  flush(stdout())
  # The next file that is opened takes the number of the one that was closed.
  parallel:::closeFD(0L)
  input <- file(${quoted(stdin)}, "rb")
  parallel:::closeFD(1L)
  out <- file(file.path(base, "stdout"), "ab")
  parallel:::closeFD(2L)
  err <- file(file.path(base, "stderr"), "ab")
  do.call(Sys.setenv, structure(as.list(${quotedAll(variables.map(([, value]) => value))}), names = ${quotedAll(variables.map(([name]) => name))}))
  setwd(file.path(base, "out"))
  replace <- function(name, with) {
    unlockBinding(name, baseenv())
    assign(name, with, baseenv())
    lockBinding(name, baseenv())
  }
  really <- base::quit
  keep <- list(input, out, err)
  leave <- function(save = "default", status = 0, runLast = TRUE) {
    used <- proc.time()
    memory <- if (file.exists("/proc/self/status")) grep("^VmHWM", readLines("/proc/self/status"), value = TRUE) else ""
    word <- paste(as.integer(status), round(1000 * sum(used[c(1, 2, 4, 5)], na.rm = TRUE)), gsub("[^0-9]", "", memory))
    writeLines(word, file.path(base, ".status"))
    length(keep)
    really("no", status, runLast)
  }
  replace("quit", leave)
  replace("q", leave)
  replace("commandArgs", function(trailingOnly = FALSE) if (trailingOnly) ${quoted(request)} else "Rserve")
})
eval(parse(${quoted(driver)}, keep.source = FALSE, encoding = "UTF-8"), globalenv())
quit("no", 0)
`;
}
