function value = stepcast_tables (value)
  % Tables in place of their files: structs of columns.
  if (iscell (value))
    value = cellfun (@stepcast_tables, value, "UniformOutput", false);
  elseif (isstruct (value))
    value = read (value.path, value.format);
  end
end

function table = read (path, format)
  text = fileread (path);
  if (strncmp (text, "\xEF\xBB\xBF", 3))
    text = text(4:end);
  end
  switch (format)
    case "csv"
      table = separated (text, ",", path);
    case "tsv"
      table = separated (text, "\t", path);
    case "json"
      table = of_json (text);
    otherwise
      error ("Octave cannot read %s files: convert them to CSV in a step before", format);
  end
end

function table = separated (text, separator, path)
  text = strrep (text, "\r\n", "\n");
  if (! isempty (text) && text(end) != "\n")
    text(end+1) = "\n";
  end
  if (any (text == "\""))
    cells = quoted (text, separator);
  else
    text = regexprep (text, "\n(?=\n)", "");
    cells = strsplit (text(1:end-1), {separator, "\n"}, "CollapseDelimiters", false);
  end
  width = sum (first_line (text) == separator) + 1;
  if (any (text == "\""))
    width = quoted_width (text, separator);
  end
  if (mod (numel (cells), width) != 0)
    error ("not all lines of %s have the %d cells of its header", path, width);
  end
  cells = reshape (cells, width, []);
  table = struct ();
  for k = 1:width
    table.(cells{k,1}) = typed (cells(k, 2:end)');
  end
end

function line = first_line (text)
  line = text(1:find (text == "\n", 1) - 1);
end

function cells = quoted (text, separator)
  parts = regexp (text, ['("(?:[^"]|"")*"|[^', separator, '\n"]*)[', separator, '\n]'], "tokens");
  cells = cellfun (@(one) unquoted (one{1}), parts, "UniformOutput", false);
end

function width = quoted_width (text, separator)
  % The first end of a line outside of quotes ends the header.
  inside = mod (cumsum (text == "\""), 2) == 1;
  header_end = find (text == "\n" & ! inside, 1);
  width = sum (text(1:header_end) == separator & ! inside(1:header_end)) + 1;
end

function text = unquoted (text)
  if (! isempty (text) && text(1) == "\"")
    text = strrep (text(2:end-1), "\"\"", "\"");
  end
end

function column = typed (texts)
  % Numbers with NA for what is missing, truths, or a cell of texts.
  missing = strcmp (texts, "") | strcmp (texts, "NA");
  numbers = str2double (texts);
  if (all (missing | ! isnan (numbers) | strcmpi (texts, "nan")) && ! all (missing))
    numbers(missing) = NA;
    column = numbers;
  elseif (! isempty (texts) && all (strcmpi (texts, "true") | strcmpi (texts, "false")))
    column = strcmpi (texts, "true");
  else
    column = texts;
  end
end

function table = of_json (text)
  data = jsondecode (text);
  if (isstruct (data) && isscalar (data) && ! isempty (regexp (text, '^\s*\{', "once")))
    table = data;
    return;
  end
  table = struct ();
  names = fieldnames (data);
  for k = 1:numel (names)
    column = {data.(names{k})}';
    if (all (cellfun (@(one) isnumeric (one) && numel (one) <= 1, column)))
      column(cellfun (@isempty, column)) = NA;
      column = cell2mat (column);
    elseif (all (cellfun (@islogical, column)))
      column = cell2mat (column);
    end
    table.(names{k}) = column;
  end
end
