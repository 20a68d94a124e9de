function text = stepcast_json (value, shape, depth = 0)
  % A value as JSON, in the shape that its output declares: without it a number and a list of one are the same.
  if (depth > 100)
    error ("it is nested too deeply");
  end
  anything = struct ("kind", "any");
  items = anything;
  is_list = strcmp (shape.kind, "list");
  if (is_list)
    items = shape.items;
  end
  if (ischar (value))
    if (rows (value) > 1)
      text = list (cellfun (@stepcast_text, cellstr (value)', "UniformOutput", false));
    else
      text = stepcast_text (value);
    end
    if (is_list && rows (value) <= 1)
      text = ["[", text, "]"];
    end
  elseif (iscell (value))
    text = list (cellfun (@(one) stepcast_json (one, items, depth + 1), value(:)', "UniformOutput", false));
  elseif (isa (value, "containers.Map"))
    names = keys (value);
    text = record (names, cellfun (@(name) stepcast_json (value (name), field (shape, name), depth + 1), names, "UniformOutput", false));
  elseif (isstruct (value))
    if (isscalar (value) && ! is_list)
      names = fieldnames (value)';
      text = record (names, cellfun (@(name) stepcast_json (value.(name), field (shape, name), depth + 1), names, "UniformOutput", false));
    else
      text = list (arrayfun (@(one) stepcast_json (one, items, depth + 1), value(:)', "UniformOutput", false));
    end
  elseif (isnumeric (value) || islogical (value))
    text = numbers (full (value), shape, is_list);
  else
    error ("a value of class %s cannot be passed on; make it a number, text, cell or struct", class (value));
  end
end

function text = numbers (value, shape, is_list)
  if (iscomplex (value))
    error ("a complex number cannot be passed on; pass its real and imaginary parts");
  end
  if (ndims (value) > 2)
    error ("an array of %d dimensions cannot be passed on; use cells of matrices", ndims (value));
  end
  if (isempty (value))
    text = ifelse_text (is_list, "[]", "null");
    return;
  end
  strange = isinf (value) | (isnan (value) & ! isna (value));
  if (any (strange(:)))
    error ("%g is no value that can be passed on; return [] or NA in its place", value(find (strange, 1)));
  end
  if (islogical (value))
    words = {"false", "true"};
    atoms = reshape (words(value + 1), size (value));
  elseif (isinteger (value))
    atoms = arrayfun (@(one) sprintf ("%d", one), value, "UniformOutput", false);
  else
    atoms = arrayfun (@(one) sprintf ("%.17g", one), value, "UniformOutput", false);
    atoms(isna (value)) = "null";
  end
  nested = is_list && strcmp (shape.items.kind, "list");
  if (isscalar (value) && ! is_list)
    text = atoms{1};
  elseif (isvector (value) && ! nested)
    text = list (atoms(:)');
  else
    lines = cell (1, rows (value));
    for k = 1:rows (value)
      lines{k} = list (atoms(k, :));
    end
    text = list (lines);
  end
end

function shape = field (of, name)
  shape = struct ("kind", "any");
  if (strcmp (of.kind, "record") && isfield (of.fields, name))
    shape = of.fields.(name);
  end
end

function text = list (parts)
  text = ["[", strjoin(parts, ","), "]"];
end

function text = record (names, parts)
  pairs = cellfun (@(name, part) [stepcast_text(name), ":", part], names, parts, "UniformOutput", false);
  text = ["{", strjoin(pairs, ","), "}"];
end

function text = ifelse_text (condition, yes, no)
  if (condition)
    text = yes;
  else
    text = no;
  end
end
