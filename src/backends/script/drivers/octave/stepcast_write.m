function stepcast_write (table, path, format)
  % Writes a struct of columns.
  names = fieldnames (table)';
  columns = cellfun (@(name) cells_of (table.(name)), names, "UniformOutput", false);
  sizes = cellfun (@numel, columns);
  if (any (sizes != sizes(1)))
    error ("the columns of a table have one length, and these have %s", mat2str (sizes));
  end
  switch (format)
    case "csv"
      separator = ",";
    case "tsv"
      separator = "\t";
    case "json"
      write_json (path, names, table, sizes(1));
      return;
    otherwise
      error ("Octave cannot write %s files: write CSV, and convert it in a step behind", format);
  end
  lines = [names; [columns{:}]];
  lines = cellfun (@(text) quoted (text, separator), lines, "UniformOutput", false)';
  pattern = [strjoin(repmat ({"%s"}, 1, numel (names)), separator), "\n"];
  file = fopen (path, "w");
  fprintf (file, pattern, lines{:});
  fclose (file);
end

function cells = cells_of (column)
  if (ischar (column))
    column = cellstr (column);
  end
  column = column(:);
  if (iscell (column))
    cells = cellfun (@text_of, column, "UniformOutput", false);
  else
    cells = arrayfun (@text_of, column, "UniformOutput", false);
  end
end

function text = text_of (value)
  words = {"false", "true"};
  if (ischar (value))
    text = value;
  elseif (isempty (value) || isnan (value))
    text = "";
  elseif (islogical (value))
    text = words{value + 1};
  elseif (value == fix (value) && abs (value) < 2^53)
    text = sprintf ("%d", value);
  else
    text = sprintf ("%.15g", value);
    if (str2double (text) != value)
      text = sprintf ("%.17g", value);
    end
  end
end

function text = quoted (text, separator)
  if (any (text == separator | text == "\n" | text == "\r" | text == "\""))
    text = ["\"", strrep(text, "\"", "\"\""), "\""];
  end
end

function write_json (path, names, table, count)
  anything = struct ("kind", "any");
  rows = cell (1, count);
  for k = 1:count
    row = struct ();
    for name = names
      column = table.(name{1});
      if (iscell (column))
        row.(name{1}) = column{k};
      elseif (isfloat (column) && isnan (column(k)))
        row.(name{1}) = [];
      else
        row.(name{1}) = column(k);
      end
    end
    rows{k} = stepcast_json (row, anything);
  end
  file = fopen (path, "w");
  fprintf (file, "%s", ["[", strjoin(rows, ","), "]"]);
  fclose (file);
end
