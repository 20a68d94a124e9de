# Runs the script of one Task.
#
#   Rscript -e 'eval(parse("r.R"))' REQUEST               runs it at once
#   Rscript -e 'eval(parse("r.R"))' --wait PACKAGE ...    loads the packages, then reads the path of a request from standard
#                                                         input
#
# The script runs in the global environment, as with Rscript. Its inputs are variables there, and so are its outputs when it
# has ended. All of the driver's own lies elsewhere, so that `rm(list = ls())` takes nothing of it away.

local({
  own <- environment()
  helpers <- new.env()
  # R compiles what is called a second time: with scripts that is worth it, and here it would take longer than the call.
  jit <- compiler::enableJIT(0)

  # Tells how far the script has come: 0 to 100, and what it does now.
  helpers$progress <- function(percent, message = "") {
    cat("::progress ", percent, " ", gsub("[[:space:]]+", " ", paste(message, collapse = " ")), "\n", sep = "", file = stdout())
    flush(stdout())
  }

  unfit <- function(...) stop(structure(class = c("unfit", "error", "condition"), list(message = paste0(...), call = NULL)))

  # ---- tables -----------------------------------------------------------------------------------------------------------

  needs <- function(packages, what) {
    for (package in packages) if (requireNamespace(package, quietly = TRUE)) return(package)
    stop(what, ": install.packages(\"", packages[1], "\")", call. = FALSE)
  }

  read_table <- function(path, format) {
    text <- function(sep) {
      table <- read.csv(path, sep = sep, stringsAsFactors = FALSE, check.names = FALSE,
                        na.strings = c("NA", ""), fileEncoding = "UTF-8-BOM")
      truths <- vapply(table, function(column) is.character(column) && all(column %in% c("true", "false", NA)), NA)
      table[truths] <- lapply(table[truths], function(column) column == "true")
      table
    }
    switch(format,
      csv = text(","),
      tsv = text("\t"),
      json = {
        needs("jsonlite", "a table in JSON is read by the package jsonlite")
        lines <- readLines(path, warn = FALSE, encoding = "UTF-8")
        rows <- try(jsonlite::fromJSON(lines), silent = TRUE)
        if (inherits(rows, "try-error")) rows <- jsonlite::stream_in(textConnection(lines), verbose = FALSE)
        as.data.frame(rows, stringsAsFactors = FALSE)
      },
      parquet = if (needs(c("nanoparquet", "arrow"), "a Parquet file is read by the package nanoparquet or arrow") == "arrow")
        as.data.frame(arrow::read_parquet(path)) else as.data.frame(nanoparquet::read_parquet(path)))
  }

  write_table <- function(table, path, format) {
    separated <- function(sep) write.table(table, path, sep = sep, row.names = FALSE, na = "", qmethod = "double", fileEncoding = "UTF-8")
    switch(format,
      csv = separated(","),
      tsv = separated("\t"),
      json = writeLines(json_rows(table), path, useBytes = TRUE),
      parquet = if (needs(c("nanoparquet", "arrow"), "a Parquet file is written by the package nanoparquet or arrow") == "arrow")
        arrow::write_parquet(table, path) else nanoparquet::write_parquet(table, path))
  }

  # ---- values as JSON ---------------------------------------------------------------------------------------------------

  json_text <- function(x) {
    if (length(x) == 0) return(character(0))
    x <- enc2utf8(x)
    if (!all(validUTF8(x))) unfit("it holds text that is not UTF-8")
    x <- gsub("\\", "\\\\", x, fixed = TRUE)
    x <- gsub("\"", "\\\"", x, fixed = TRUE)
    if (any(grepl("[[:cntrl:]]", x)))
      for (code in c(1:31, 127)) x <- gsub(intToUtf8(code), sprintf("\\u%04x", code), x, fixed = TRUE)
    paste0("\"", x, "\"")
  }

  # Each element of a vector by itself; NA is null.
  json_atoms <- function(x, missing = FALSE) {
    if (is.factor(x) || inherits(x, "integer64")) x <- as.character(x)
    if (inherits(x, "Date")) x <- format(x, "%Y-%m-%d")
    if (inherits(x, "POSIXt")) x <- format(x, "%Y-%m-%dT%H:%M:%OS6Z", tz = "UTC")
    absent <- is.na(x)
    atoms <- if (is.logical(x)) ifelse(x, "true", "false")
      else if (is.integer(x)) sprintf("%d", x)
      else if (is.numeric(x)) {
        strange <- is.nan(x) | is.infinite(x)
        if (any(strange) && !(missing && !any(is.infinite(x))))
          unfit(x[strange][1], " is no value that can be passed on; return NA or a text in its place")
        sprintf("%.17g", x)
      }
      else if (is.character(x)) json_text(x)
      else unfit("a value of type ", typeof(x), " cannot be passed on; make it a number, text, list or data frame")
    atoms[absent] <- "null"
    atoms
  }

  json_list <- function(parts) paste0("[", paste(parts, collapse = ","), "]")
  json_record <- function(names, parts) paste0("{", paste0(json_text(names), ":", parts, collapse = ","), "}")

  json_rows <- function(table) {
    if (nrow(table) == 0) return("[]")
    columns <- lapply(table, function(column) if (is.list(column)) vapply(column, json, "", anything) else json_atoms(column, TRUE))
    cells <- Map(function(name, column) paste0(json_text(name), ":", column), names(table), columns)
    json_list(paste0("{", do.call(paste, c(unname(cells), sep = ",")), "}"))
  }

  anything <- list(kind = "any")

  json <- function(x, shape, depth = 0) {
    if (depth > 100) unfit("it is nested too deeply")
    inner <- function(part, shape) json(part, shape, depth + 1)
    items <- if (shape$kind == "list") shape$items else anything
    fields <- function(name) if (shape$kind == "record" && !is.null(shape$fields[[name]])) shape$fields[[name]] else anything
    if (is.null(x)) return(if (shape$kind == "list") "[]" else "null")
    if (is.data.frame(x)) return(json_rows(x))
    if (is.matrix(x) && nrow(x) == 0) return("[]")
    if (is.matrix(x)) return(json_list(apply(x, 1, function(row) json_list(json_atoms(row)))))
    if (inherits(x, "POSIXlt")) x <- as.POSIXct(x)
    if (is.list(x)) {
      named <- !is.null(names(x))
      if (shape$kind != "list" && (named || shape$kind == "record")) {
        if (length(x) == 0) return("{}")
        if (!named) unfit("a record has names, and this list has none")
        return(json_record(names(x), vapply(seq_along(x), function(i) inner(x[[i]], fields(names(x)[i])), "")))
      }
      return(json_list(vapply(x, inner, "", items)))
    }
    if (!is.atomic(x)) unfit("a value of type ", typeof(x), " cannot be passed on; make it a number, text, list or data frame")
    atoms <- json_atoms(x)
    if (!is.null(names(x)) && shape$kind %in% c("record", "any")) return(json_record(names(x), atoms))
    if (shape$kind != "list" && length(atoms) == 1) return(atoms)
    if (shape$kind == "scalar" && length(atoms) == 0) return("null")
    json_list(atoms)
  }

  # The path or paths as JSON; tables and plots are written first.
  files <- function(x, output, number = "") {
    if (is.null(x)) return("null")
    stem <- paste0(output$file, number)
    if (is.matrix(x)) x <- as.data.frame(x)
    if (is.data.frame(x)) {
      path <- paste0(stem, ".", output$format)
      write_table(x, path, output$format)
      return(json_text(path))
    }
    if (inherits(x, "ggplot")) {
      path <- paste0(stem, ".png")
      ggplot2::ggsave(path, x, width = 7, height = 5, dpi = 150)
      return(json_text(path))
    }
    if (inherits(x, "recordedplot")) {
      path <- paste0(stem, ".png")
      png(path, width = 1050, height = 750, res = 150)
      tryCatch(replayPlot(x), finally = dev.off())
      return(json_text(path))
    }
    if (is.character(x)) {
      paths <- ifelse(startsWith(x, "/"), x, file.path(getwd(), x))
      return(if (length(paths) == 1 && output$shape$kind != "list") json_text(paths) else json_list(json_text(paths)))
    }
    if (is.list(x)) {
      output$shape <- if (output$shape$kind == "list") output$shape$items else output$shape
      parts <- vapply(seq_along(x), function(i) files(x[[i]], output, if (length(x) > 1) paste0("-", i) else number), "")
      return(json_list(parts))
    }
    unfit("expected the path of a file, a data frame or a plot, found ", class(x)[1])
  }

  holds_files <- function(shape) shape$kind == "file" || (shape$kind == "list" && holds_files(shape$items))

  write_result <- function(request) {
    if (length(request$outputs) == 0) return(invisible())
    values <- faults <- character(0)
    for (output in request$outputs) {
      if (!exists(output$variable, globalenv(), inherits = FALSE)) next
      x <- get(output$variable, globalenv(), inherits = FALSE)
      text <- tryCatch(
        if (holds_files(output$shape)) files(x, output) else json(x, output$shape),
        error = function(fault) {
          faults[[output$name]] <<- json_text(conditionMessage(fault))
          NULL
        })
      if (!is.null(text)) values[[output$name]] <- text
    }
    object <- function(parts) if (length(parts) == 0) "{}" else json_record(names(parts), parts)
    part <- paste0(request$result, ".part")
    writeLines(paste0("{\"values\":", object(values), ",\"faults\":", object(faults), "}"), part, useBytes = TRUE)
    file.rename(part, request$result)
  }

  # ---- the script -------------------------------------------------------------------------------------------------------

  line_of <- function(frame) {
    place <- attr(frame, "srcref")
    if (is.null(place)) NULL else paste0(attr(place, "srcfile")$filename, "#", as.integer(place)[1])
  }
  shown <- function(frame) substr(deparse(frame, nlines = 1)[1], 1, 120)

  # As R itself tells an error, with the line, and the calls that led to it, the last one first. The first frames are ours.
  tell <- function(error, frames, ours) {
    frames <- frames[-seq_len(ours)]
    ends <- vapply(frames, function(frame) identical(frame[[1]], quote(.handleSimpleError)), NA)
    place <- NULL
    if (any(ends)) {
      place <- line_of(frames[[which(ends)[1]]])
      frames <- frames[seq_len(which(ends)[1] - 1)]
    } else frames <- frames[-length(frames)]
    raised <- vapply(frames, function(frame) identical(frame[[1]], quote(stop)), NA)
    if (any(raised)) {
      place <- line_of(frames[[which(raised)[1]]])
      frames <- frames[seq_len(which(raised)[1] - 1)]
    }
    call <- conditionCall(error)
    at_top <- is.null(call) || is_ours(call)
    cat("Error", if (!at_top) paste0(" in ", shown(call)), if (!is.null(place)) paste0(" (from ", place, ")"), " : ",
        conditionMessage(error), "\n", sep = "", file = stderr())
    if (length(frames) > 0) {
      lines <- vapply(rev(seq_along(frames)), function(i) {
        line <- line_of(frames[[i]])
        paste0(i, ": ", shown(frames[[i]]), if (!is.null(line)) paste0(" at ", line))
      }, "")
      writeLines(c("Traceback:", lines), stderr())
    }
  }

  is_ours <- function(call) identical(call, quote(eval(expressions[i], globalenv())))

  warned <- function(warning) {
    if (!is_ours(conditionCall(warning)) || getOption("warn") < 0 || getOption("warn") > 1) return()
    cat("Warning: ", conditionMessage(warning), "\n", sep = "", file = stderr())
    tryInvokeRestart("muffleWarning")
  }

  run <- function(request) {
    name <- basename(request$source)
    lines <- readLines(request$source, encoding = "UTF-8", warn = FALSE)
    for (input in request$inputs) {
      value <- if (input$table) read_tables(input$value) else input$value
      # An input without a value is there, as NULL.
      assign(input$variable, value, globalenv())
      helpers$inputs[input$name] <- list(value)
    }
    helpers$outputs <- request$paths
    attach(helpers, name = "stepcast", warn.conflicts = FALSE)
    expressions <- tryCatch(
      parse(text = lines, keep.source = TRUE, srcfile = srcfilecopy(name, lines, isFile = FALSE)),
      error = function(error) {
        cat("Error: ", conditionMessage(error), "\n", sep = "", file = stderr())
        quit("no", 1, runLast = FALSE)
      })
    options(warn = 1, keep.source = TRUE)
    compiler::enableJIT(jit)
    for (i in seq_along(expressions)) {
      ours <- sys.nframe() + 4L
      withCallingHandlers({
        value <- withVisible(eval(expressions[i], globalenv()))
        if (value$visible) print(value$value)
      }, error = function(error) {
        tell(error, sys.calls(), ours)
        quit("no", 1, runLast = FALSE)
      }, warning = warned)
    }
  }

  read_tables <- function(value) {
    if (is.null(value)) return(NULL)
    if (!is.null(value$path)) return(read_table(value$path, value$format))
    lapply(value, read_tables)
  }

  start <- function(path) {
    request <- eval(parse(path, keep.source = FALSE, encoding = "UTF-8"), baseenv())
    helpers$inputs <- list()
    # However the script ends, also by quit(); and after all that the script has registered for its end.
    reg.finalizer(own, function(...) {
      write_result(request)
      if (over && is_plain()) leave(paste0(request$result, ".ended"))
    }, onexit = TRUE)
    request
  }

  # An interpreter that waited and whose script came to its end ends at once: what R itself still does then, such as a shell
  # to remove its folder, takes longer than the rest. Only where no package's own code could want to have a last word.
  over <- FALSE
  own_packages <- c("base", "compiler", "datasets", "graphics", "grDevices", "methods", "stats", "tools", "utils")
  own_libraries <- c(own_packages, "(embedding)", "internet", "lapack")
  is_plain <- function() all(loadedNamespaces() %in% own_packages) && all(names(getLoadedDLLs()) %in% own_libraries)
  leave <- function(told) {
    graphics.off()
    # closeAllConnections() would collect garbage first, which takes longer than all else.
    while (sink.number() > 0) sink()
    for (connection in getAllConnections()) if (connection > 2) close(getConnection(connection))
    flush(stdout())
    unlink(tempdir(), recursive = TRUE, force = TRUE)
    # The worker takes this file for the exit code 0.
    if (file.create(told)) tools::pskill(Sys.getpid(), tools::SIGKILL)
  }

  # R loads much of itself at its first use: runs an empty script before somebody waits for one.
  rehearse <- function() {
    source <- tempfile("script-")
    writeLines("x <- 0", source)
    run(eval(parse(text = deparse(list(source = source, inputs = list(), paths = list())), keep.source = FALSE), baseenv()))
    json(0, anything)
    detach("stepcast")
    unlink(source)
    compiler::enableJIT(0)
  }

  # Reads the path of a request from standard input, which is then at its end, and takes the place of its script.
  wait <- function(packages) {
    # Loaded, and not attached: a script sees the same whether it was waited for or not.
    for (package in c("tools", packages)) loadNamespace(package)
    rehearse()
    rm(list = ls(globalenv(), all.names = TRUE), envir = globalenv())
    input <- file("stdin")
    on.exit(close(input))
    path <- readLines(input, 1)
    if (length(path) == 0) quit("no", 0, runLast = FALSE) # nobody needs this interpreter any more
    path
  }

  words <- commandArgs(TRUE)
  waits <- words[1] == "--wait"
  request <- start(if (waits) wait(words[-1]) else words[1])
  if (waits) {
    setwd(request$directory)
    Sys.unsetenv("GLIBC_TUNABLES")
    do.call(Sys.setenv, as.list(request$environment))
  }
  run(request)
  over <- waits
})
