/* What the program around a script of SAS uses. Paths come in hexadecimal. */

%macro stepcast_path(hex, name);
  %global &name;
  data _null_;
    call symput("&name", trim(input("&hex", $hex32767.)));
  run;
%mend;

/* A file of columns as the table work.NAME. */
%macro stepcast_import(hex, name, format);
  %stepcast_path(&hex, stepcast_file)
  proc import datafile="%superq(stepcast_file)" out=work.&name
    dbms=%sysfunc(ifc(&format = tsv, tab, csv)) replace;
    guessingrows=max;
    getnames=yes;
  run;
%mend;

%macro stepcast_open(hex);
  %global stepcast_separator;
  %let stepcast_separator=;
  %stepcast_path(&hex, stepcast_result)
  data _null_;
    file "%superq(stepcast_result)" lrecl=1048576 encoding='utf-8';
    put '{"values":{';
  run;
%mend;

/* A table or the path in a macro variable for a File; else the macro variable. What is not there is left out. */
%macro stepcast_output(name, variable, kind, format, hex);
  %local there;
  %let there=0;
  %if &kind = file and %sysfunc(exist(work.&variable)) %then %do;
    %global &variable;
    %stepcast_path(&hex, &variable)
    proc export data=work.&variable outfile="%superq(&variable)"
      dbms=%sysfunc(ifc(&format = tsv, tab, csv)) replace;
    run;
    %let there=1;
  %end;
  %else %if %symexist(&variable) %then %let there=%eval(%length(%superq(&variable)) > 0);
  %if &there %then %do;
    data _null_;
      file "%superq(stepcast_result)" mod lrecl=1048576 encoding='utf-8';
      length text $32767;
      text = symget("&variable");
      %if &kind ne number %then %do;
        text = tranwrd(text, '\', '\\');
        text = tranwrd(text, '"', '\"');
        text = tranwrd(text, '0A'x, '\n');
        text = tranwrd(text, '0D'x, '\r');
        text = tranwrd(text, '09'x, '\t');
        text = '"' || trim(text) || '"';
      %end;
      text = "&stepcast_separator" || '"' || "&name" || '":' || trim(text);
      put text;
    run;
    %let stepcast_separator=,;
  %end;
%mend;

%macro stepcast_close();
  data _null_;
    file "%superq(stepcast_result)" mod lrecl=1048576 encoding='utf-8';
    put '},"faults":{}}';
  run;
%mend;

/* Tells how far the script has come: 0 to 100, and what it does now. */
%macro progress(percent, message);
  data _null_;
    file print;
    put "::progress &percent %superq(message)";
  run;
%mend;
