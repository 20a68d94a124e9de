function request = stepcast_read (path)
  % What the worker wrote: source text that makes a struct.
  source (path);
  request = stepcast_request;
end
