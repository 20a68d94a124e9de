function progress(percent, message)
% Tells how far the script has come: 0 to 100, and what it does now.
if nargin < 2
    message = '';
end
fprintf('::progress %g %s\n', percent, regexprep(char(message), '\s+', ' '));
end
