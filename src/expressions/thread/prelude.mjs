// @ts-check
/**
 * What runs inside the sandbox beside the script, as text. To compile it takes longer than all else, so it is in parts,
 * and only what an evaluation needs is compiled. Parts that run behind the script are given what was kept before it, since
 * a script may change everything in its world. None of this guards the host: that parses a text and no more.
 */

/** Before the script: lays out the context by its names, and keeps the functions for the parts that run behind it. */
export const KEEP = String.raw`(function () {
  'use strict';
  const { parse, stringify } = JSON;
  const { keys, getPrototypeOf, setPrototypeOf, prototype } = Object;
  const { call } = Function.prototype;
  const { slice, includes, isWellFormed } = String.prototype;
  return {
    __proto__: null,
    stringify, keys, getPrototypeOf, setPrototypeOf,
    plain: prototype,
    text: String,
    isArray: Array.isArray,
    isFinite: Number.isFinite,
    tagOf: call.bind(prototype.toString),
    slice: call.bind(slice),
    includes: call.bind(includes),
    isWellFormed: call.bind(isWellFormed),
    open(json) {
      const context = parse(json);
      globalThis.inputs = context.inputs;
      globalThis.self = context.self;
      globalThis.step = context.step;
      globalThis.runtime = context.runtime;
      return context;
    },
  };
})()`;

/**
 * Before the script, where there are Files: what may be asked of their names. Not enumerable, so that a File that is given
 * back is the File that came in.
 */
export const ADD_NAME_PARTS = String.raw`(function add(value) {
  'use strict';
  if (typeof value !== 'object' || value === null) return;
  if ((value.class === 'File' || value.class === 'Directory') && typeof value.name === 'string') {
    const dot = value.name.lastIndexOf('.');
    const end = dot > 0 ? dot : value.name.length;
    Object.defineProperty(value, 'basename', { value: value.name });
    Object.defineProperty(value, 'nameroot', { value: value.name.slice(0, end) });
    Object.defineProperty(value, 'nameext', { value: value.name.slice(end) });
  }
  for (const key of Object.keys(value)) add(value[key]);
})`;

/** Behind the script: its result as JSON. It throws a text, which says what cannot be a value. */
export const TAKE = String.raw`(function (kept, result) {
  'use strict';
  const { stringify, keys, getPrototypeOf, setPrototypeOf, plain, text, isArray, isFinite } = kept;
  const { tagOf, slice, includes, isWellFormed } = kept;
  const MAX_DEPTH = 64;
  const MAX_PATH = 8;
  const MAX_KEY = 100;
  // Without prototypes: a script may have put setters and toJSON there.
  const path = setPrototypeOf([], null);

  function refuse(what) {
    let at = '';
    for (let index = 0; index < path.length && index < MAX_PATH; index += 1) {
      const key = path[index];
      at += typeof key === 'number' ? '[' + key + ']' : (at === '' ? '' : '.') + slice(key, 0, MAX_KEY);
    }
    if (path.length > MAX_PATH) at += '…';
    throw (at === '' ? 'The result is ' : 'In the result, ' + at + ' is ') + what;
  }

  function takeText(value) {
    return isWellFormed(value) && !includes(value, '\0')
      ? value
      : refuse('a text with a NUL or half a character, which cannot be stored.');
  }

  function take(value) {
    switch (typeof value) {
      case 'undefined':
        return null;
      case 'boolean':
        return value;
      case 'string':
        return takeText(value);
      case 'number':
        return isFinite(value) ? value : refuse(text(value) + ', and a number must be finite.');
      case 'bigint':
        return refuse('a BigInt. Use Number(…) or String(…) of it.');
      case 'function':
        return refuse('a function. Call it, or leave it out.');
      case 'symbol':
        return refuse('a Symbol, and only JSON can be a value.');
    }
    if (value === null) return null;
    if (path.length >= MAX_DEPTH) return refuse('nested deeper than ' + MAX_DEPTH + ' levels, or holds itself.');
    return isArray(value) ? takeItems(value) : takeFields(value);
  }

  function takeItems(value) {
    const items = setPrototypeOf([], null);
    for (let index = 0; index < value.length; index += 1) {
      path[path.length] = index;
      items[index] = take(value[index]);
      path.length -= 1;
    }
    return items;
  }

  function takeFields(value) {
    const prototype = getPrototypeOf(value);
    if (prototype !== plain && prototype !== null) refuse(nameOf(value));
    const fields = { __proto__: null };
    const names = keys(value);
    for (let index = 0; index < names.length; index += 1) {
      const name = names[index];
      path[path.length] = name;
      takeText(name);
      if (name === '__proto__') refuse('a name that no field may have.');
      fields[name] = take(value[name]);
      path.length -= 1;
    }
    return fields;
  }

  function nameOf(value) {
    const tag = slice(tagOf(value), 8, -1);
    if (tag === 'Promise') return 'a Promise. An expression has its value at once: leave out async and await.';
    if (tag === 'Date') return 'a Date. Use its toISOString().';
    return (tag === 'Object' ? 'an instance of a class' : 'a ' + tag) + ', and only JSON can be a value.';
  }

  return stringify(take(result));
})`;

/** Behind a script that threw: what it threw, as JSON of a message and a trace. */
export const DESCRIBE = String.raw`(function (kept, thrown) {
  'use strict';
  const { stringify, slice, text } = kept;
  const described = (message, stack) =>
    stringify({ __proto__: null, message: slice(message, 0, 500), stack: slice(stack, 0, 2000) });
  try {
    const isError = typeof thrown === 'object' && thrown !== null && 'message' in thrown;
    if (!isError) return described('threw ' + text(thrown), '');
    return described(text(thrown.name || 'Error') + ': ' + text(thrown.message), text(thrown.stack));
  } catch (error) {
    return described('threw what has no description', '');
  }
})`;
