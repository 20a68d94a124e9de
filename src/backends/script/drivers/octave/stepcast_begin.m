function stepcast_begin (packages, request)
  % Gets ready to run the script of one Task: its inputs become variables of the base workspace.
  %
  % `packages` is a cell of packages to load. `request` is the path of a request; without it, it is read from standard
  % input.
  page_screen_output (false);
  page_output_immediately (true);
  cellfun (@(name) pkg ("load", name), packages);
  waited = nargin < 2;
  if (waited)
    request = fgetl (stdin);
    if (! ischar (request))
      exit (0); % nobody needs this interpreter any more
    end
  end
  request = stepcast_read (request);
  if (waited)
    cd (request.directory);
    names = fieldnames (request.environment);
    for k = 1:numel (names)
      setenv (names{k}, request.environment.(names{k}));
    end
  end
  stepcast_state (request);
  % Found on the path, a script is called by its name in messages, and the mistakes in its syntax are told.
  addpath (fileparts (request.source));
  % However the script ends, also by exit ().
  atexit ("stepcast_finish");
  inputs = struct ();
  for k = 1:numel (request.inputs)
    one = request.inputs{k};
    value = one.value;
    if (one.table)
      value = stepcast_tables (value);
    end
    inputs.(one.name) = value;
  end
  assignin ("base", "outputs", request.paths);
  assignin ("base", "inputs", inputs);
  for k = 1:numel (request.inputs)
    one = request.inputs{k};
    if (isvarname (one.variable))
      assignin ("base", one.variable, inputs.(one.name));
    end
  end
end
