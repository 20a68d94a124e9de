function progress (percent, message = "")
  % Tells how far the script has come: 0 to 100, and what it does now.
  printf ("::progress %g %s\n", percent, regexprep (message, '\s+', " "));
  fflush (stdout);
end
