// @ts-check
/**
 * Runs inside the sandbox before the script, as text: it lays out the context and takes in the result. It keeps the
 * functions it needs before a script can change them; but nothing here guards the host, which parses a text and no more.
 */
export const PRELUDE = String.raw`(function () {
  'use strict';
  const { parse, stringify } = JSON;
  const { isArray } = Array;
  const { keys, getPrototypeOf, setPrototypeOf, defineProperty, prototype: plain } = Object;
  const { isFinite } = Number;
  const { call } = Function.prototype;
  const tagOf = call.bind(Object.prototype.toString);
  const slice = call.bind(String.prototype.slice);
  const isWellFormed = call.bind(String.prototype.isWellFormed);
  const includes = call.bind(String.prototype.includes);
  const lastIndexOf = call.bind(String.prototype.lastIndexOf);
  const text = String;
  const MAX_DEPTH = 64;
  const MAX_MESSAGE = 500;
  const MAX_STACK = 2000;
  const MAX_PATH = 8;

  class NotAValue extends Error {}

  // Not enumerable: a File that is given back is the File that came in.
  function addNameParts(value) {
    if (typeof value !== 'object' || value === null) return;
    if ((value.class === 'File' || value.class === 'Directory') && typeof value.name === 'string') {
      const dot = lastIndexOf(value.name, '.');
      const end = dot > 0 ? dot : value.name.length;
      defineProperty(value, 'basename', { value: value.name });
      defineProperty(value, 'nameroot', { value: slice(value.name, 0, end) });
      defineProperty(value, 'nameext', { value: slice(value.name, end) });
    }
    for (const key of keys(value)) addNameParts(value[key]);
  }

  const path = [];

  function refuse(what) {
    let at = '';
    for (let index = 0; index < path.length && index < MAX_PATH; index += 1) {
      const key = path[index];
      at += typeof key === 'number' ? '[' + key + ']' : (at === '' ? '' : '.') + key;
    }
    if (path.length > MAX_PATH) at += '…';
    throw new NotAValue((at === '' ? 'The result is ' : 'In the result, ' + at + ' is ') + what);
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

  // What is taken has no prototype, and so no toJSON that a script could have put there.
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
      path[path.length] = takeText(name);
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

  function described(message, stack) {
    return stringify({ __proto__: null, message: slice(message, 0, MAX_MESSAGE), stack: slice(stack, 0, MAX_STACK) });
  }

  return {
    __proto__: null,
    open(json, hasFiles) {
      const context = parse(json);
      if (hasFiles) addNameParts(context);
      for (const name of keys(context)) {
        defineProperty(globalThis, name, { value: context[name], writable: true, configurable: true, enumerable: true });
      }
    },
    close: (value) => stringify(take(value)),
    describe(thrown) {
      try {
        if (thrown instanceof NotAValue) return described(thrown.message, '');
        const isError = typeof thrown === 'object' && thrown !== null && 'message' in thrown;
        if (!isError) return described('threw ' + text(thrown), '');
        return described(text(thrown.name || 'Error') + ': ' + text(thrown.message), text(thrown.stack));
      } catch (error) {
        return described('threw what has no description', '');
      }
    },
  };
})()`;
