function text = stepcast_files (value, output, number = "")
  % The absolute path or paths as JSON; tables and figures are written first.
  stem = [output.file, number];
  if (ischar (value))
    if (isempty (value))
      text = "null";
    elseif (value(1) == "/")
      text = stepcast_text (value);
    else
      text = stepcast_text (fullfile (pwd (), value));
    end
  elseif (iscell (value))
    many = numel (value) > 1;
    parts = cell (1, numel (value));
    for k = 1:numel (value)
      if (many)
        number = sprintf ("-%d", k);
      end
      parts{k} = stepcast_files (value{k}, output, number);
    end
    text = ["[", strjoin(parts, ","), "]"];
  elseif (isstruct (value) && isscalar (value))
    path = [stem, ".", output.format];
    stepcast_write (value, path, output.format);
    text = stepcast_text (path);
  elseif (isempty (value))
    text = "null";
  elseif (isscalar (value) && isfigure (value))
    path = [stem, ".png"];
    print (value, path, "-dpng");
    text = stepcast_text (path);
  else
    error ("expected the path of a file, a struct of columns or a figure, found %s", class (value));
  end
end
