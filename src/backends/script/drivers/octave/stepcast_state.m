function request = stepcast_state (fresh)
  % Keeps the request where a script's `clear all` does not reach it.
  mlock ();
  persistent kept;
  if (nargin > 0)
    kept = fresh;
  end
  request = kept;
end
