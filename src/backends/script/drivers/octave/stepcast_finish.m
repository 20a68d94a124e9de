function stepcast_finish (over = false)
  % Writes the outputs that the script has set, and what is wrong with those that cannot be passed on. `over`: the script came
  % to its end. Called again when Octave exits, after all that the script has registered for that.
  fflush (stdout);
  request = stepcast_state ();
  if (isempty (request))
    return;
  elseif (isfield (request, "ended"))
    leave (request);
    return;
  end
  write_outputs (request);
  if (over && request.waited)
    stepcast_state (struct ("ended", [request.result ".ended"], "directory", request.directory, "path", request.path));
  else
    stepcast_state ([]);
  end
end

function write_outputs (request)
  if (isempty (request.outputs))
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
end

function leave (request)
  % Octave would still read much of its library to close figures that are not there, and so end later than it needs to. Where
  % code of other libraries may be loaded, that has its last word.
  if (! strcmp (path (), request.path) || ! strcmp (pwd (), request.directory) || ! isempty (get (0, "children")))
    return;
  end
  fclose ("all");
  fflush (stderr);
  file = fopen (request.ended, "w"); % the worker takes it for the exit code 0
  if (file >= 0)
    fclose (file);
    kill (getpid (), 9);
  end
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
