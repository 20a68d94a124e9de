function stepcast_run(path)
% Runs the script of one Task in the base workspace. Its inputs become variables there, and so are its outputs at its end.
request = jsondecode(fileread(path));
inputs = struct();
for k = 1:numel(request.inputs)
    one = item(request.inputs, k);
    value = one.value;
    if one.table
        value = tables(value);
    end
    inputs.(one.variable) = value;
    if isvarname(one.variable)
        assignin('base', one.variable, value);
    end
end
assignin('base', 'inputs', inputs);
assignin('base', 'outputs', request.paths);
[folder, name] = fileparts(request.source);
addpath(folder, fileparts(mfilename('fullpath')));
% Also when the script ends by an error, which MATLAB then tells in its own way.
finish = onCleanup(@() write_result(request));
evalin('base', name);
end

function write_result(request)
values = struct();
faults = struct();
for k = 1:numel(request.outputs)
    output = item(request.outputs, k);
    if ~evalin('base', sprintf('exist(''%s'', ''var'')', output.variable))
        continue
    end
    try
        value = evalin('base', output.variable);
        if holds_files(output.type)
            value = files(value, output);
        elseif is_list(output.type) && isscalar(value) && ~iscell(value)
            value = {value};
        end
        values.(output.variable) = value;
    catch fault
        faults.(output.variable) = fault.message;
    end
end
file = fopen([request.result '.part'], 'w', 'n', 'UTF-8');
fprintf(file, '%s', jsonencode(struct('values', values, 'faults', faults)));
fclose(file);
movefile([request.result '.part'], request.result);
end

function one = item(list, k)
% jsondecode makes a cell of objects with different fields, and else a struct array.
if iscell(list)
    one = list{k};
else
    one = list(k);
end
end

function yes = is_list(type)
yes = strcmp(type.kind, 'array');
end

function yes = holds_files(type)
yes = any(strcmp(type.kind, {'File', 'Directory'})) || (is_list(type) && holds_files(type.items));
end

function value = tables(value)
if iscell(value)
    value = cellfun(@tables, value, 'UniformOutput', false);
elseif isstruct(value) && ~isscalar(value)
    value = arrayfun(@tables, value, 'UniformOutput', false);
elseif isstruct(value)
    switch value.format
        case 'csv'
            value = readtable(value.path, 'FileType', 'text', 'Delimiter', ',', 'Encoding', 'UTF-8');
        case 'tsv'
            value = readtable(value.path, 'FileType', 'text', 'Delimiter', '\t', 'Encoding', 'UTF-8');
        case 'parquet'
            value = parquetread(value.path);
        otherwise
            value = struct2table(jsondecode(fileread(value.path)));
    end
end
end

function value = files(value, output)
if isa(value, 'string')
    value = cellstr(value);
end
if iscell(value)
    value = cellfun(@(one) files(one, output), value, 'UniformOutput', false);
elseif ischar(value)
    if ~isempty(value) && value(1) ~= '/'
        value = fullfile(pwd, value);
    end
elseif isa(value, 'matlab.ui.Figure')
    path = [output.file '.png'];
    saveas(value, path);
    value = path;
else
    if isstruct(value)
        value = struct2table(value);
    end
    path = [output.file '.' output.format];
    switch output.format
        case 'csv'
            writetable(value, path, 'FileType', 'text', 'Delimiter', ',');
        case 'tsv'
            writetable(value, path, 'FileType', 'text', 'Delimiter', '\t');
        case 'parquet'
            parquetwrite(path, value);
        otherwise
            file = fopen(path, 'w', 'n', 'UTF-8');
            fprintf(file, '%s', jsonencode(table2struct(value)));
            fclose(file);
    end
    value = path;
end
end
