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
    rehearse ();
    request = fgetl (stdin);
    if (! ischar (request))
      exit (0); % nobody needs this interpreter any more
    end
  end
  request = stepcast_read (request);
  if (waited)
    % Octave reads all folders of its library again when it changes its own.
    if (! strcmp (pwd (), request.directory))
      cd (request.directory);
    end
    unsetenv ("GLIBC_TUNABLES");
    names = fieldnames (request.environment);
    for k = 1:numel (names)
      setenv (names{k}, request.environment.(names{k}));
    end
  end
  request.waited = waited && isempty (packages);
  request.path = path ();
  stepcast_state (request);
  % Known by its name, a script is called by that in messages, and the mistakes in its syntax are told. With its folder on
  % the path that would be the same, but all folders of the library were read again.
  [~, name] = fileparts (request.source);
  autoload (name, request.source);
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

function rehearse ()
  % What is used for every script is read before somebody waits for it.
  stepcast_json (0, struct ("kind", "any"));
  stepcast_text (strjoin ({"a", "b"}, ","));
  fileparts ("a/b.m");
  strcmp (pwd (), path ());
  isempty (get (0, "children"));
  stepcast_state ();
  stepcast_finish ();
end
