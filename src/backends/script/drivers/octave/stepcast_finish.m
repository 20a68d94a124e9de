function stepcast_finish ()
  % Writes the outputs that the script has set, and what is wrong with those that cannot be passed on.
  fflush (stdout);
  request = stepcast_state ();
  if (isempty (request) || isempty (request.outputs))
    return;
  end
  values = {};
  faults = {};
  for k = 1:numel (request.outputs)
    output = request.outputs{k};
    if (! evalin ("base", sprintf ("exist (\"%s\", \"var\")", output.variable)))
      continue;
    end
    name = stepcast_text (output.name);
    try
      value = evalin ("base", output.variable);
      if (holds_files (output.shape))
        text = stepcast_files (value, output);
      else
        text = stepcast_json (value, output.shape);
      end
      values{end+1} = [name, ":", text];
    catch fault
      faults{end+1} = [name, ":", stepcast_text(fault.message)];
    end
    % While Octave exits, no error is caught: what came before it is there.
    write (request.result, values, faults);
  end
  stepcast_state ([]);
end

function write (path, values, faults)
  part = [path, ".part"];
  file = fopen (part, "w");
  fprintf (file, "%s", ["{\"values\":{", strjoin(values, ","), "},\"faults\":{", strjoin(faults, ","), "}}"]);
  fclose (file);
  rename (part, path);
end

function yes = holds_files (shape)
  yes = strcmp (shape.kind, "file") || (strcmp (shape.kind, "list") && holds_files (shape.items));
end
