function text = stepcast_text (value)
  % A text as JSON.
  value = strrep (value, "\\", "\\\\");
  value = strrep (value, "\"", "\\\"");
  codes = double (value(value < 32 | value == 127));
  for code = unique (codes(:)')
    value = strrep (value, char (code), sprintf ("\\u%04x", code));
  end
  text = ["\"", value, "\""];
end
