import { createBench } from './support';

const bench = createBench();
const { check } = bench;
afterAll(() => bench.remove());

describe('regex', () => {
  const spec = { kind: 'regex', pattern: '^[ACGT]+$', flags: '' } as const;

  it('accepts a text whose every line matches, with either end of line, with or without the last', async () => {
    expect(await check(spec, 'ACGT\nGGTA\n')).toBeNull();
    expect(await check(spec, '\uFEFFACGT\r\nGGTA')).toBeNull();
  });

  it('names the first line that does not match, and what was expected', async () => {
    expect(await check(spec, 'ACGT\nACXT\n')).toBe('Line 2 is "ACXT"; it must match ^[ACGT]+$.');
    expect(await check(spec, 'ACGT\n\nACGT\n')).toBe('Line 2 is ""; it must match ^[ACGT]+$.');
    expect(await check(spec, '')).toBe('Line 1 is ""; it must match ^[ACGT]+$.');
  });

  it('puts the definer’s own message first', async () => {
    expect(await check({ ...spec, message: 'Give a DNA sequence.' }, 'hello')).toBe(
      'Give a DNA sequence. (Line 1 is "hello".)',
    );
  });

  it('knows flags', async () => {
    expect(await check({ ...spec, flags: 'i' }, 'acgt')).toBeNull();
    await expect(check({ ...spec, flags: 'y' }, 'acgt')).rejects.toMatchObject({ code: 'INVALID_DEFINITION' });
  });

  it('is not held up by a pattern that makes others back-track for ever', async () => {
    expect(await check({ ...spec, pattern: '^(a+)+$' }, 'a'.repeat(100_000) + '!')).toMatch(/^Line 1 is "aaa/);
  });

  it('says that a pattern needs what it cannot have', async () => {
    await expect(check({ ...spec, pattern: '(?=a)b' }, 'b')).rejects.toThrow(
      'Look-around and back-references are not supported',
    );
  });

  it('bounds the line, and the reason', async () => {
    expect(await check(spec, 'A'.repeat(1024 * 1024 + 1))).toBe('Line 1 is longer than 1 MiB; a line must be shorter.');
    const reason = await check({ ...spec, message: 'x'.repeat(2000) }, 'b'.repeat(5000));
    expect(reason?.length).toBe(500);
  });

  it('names the line that is not UTF-8, and UTF-16', async () => {
    expect(await check({ ...spec, pattern: '' }, Buffer.from('ok\nna\xefve\n', 'latin1'))).toBe(
      'Line 2 is not UTF-8 text; save the file as UTF-8.',
    );
    expect(await check({ ...spec, pattern: '' }, Buffer.from('\uFEFFok\n', 'utf16le'))).toBe(
      'The text is in UTF-16; save it as UTF-8.',
    );
  });
});

describe('size', () => {
  it('keeps both bounds', async () => {
    const spec = { kind: 'size', minBytes: 2, maxBytes: 3 } as const;
    expect(await check(spec, 'ab')).toBeNull();
    expect(await check(spec, 'a')).toBe('The file has 1 byte; at least 2 bytes are needed.');
    expect(await check(spec, 'abcd')).toBe('The file has 4 bytes; at most 3 bytes are allowed.');
  });
});

describe('mime', () => {
  it('tells the type by the content, and takes families', async () => {
    const pdf = '%PDF-1.7\n';
    expect(await check({ kind: 'mime', types: ['application/pdf'] }, pdf, 'x.png')).toBeNull();
    expect(await check({ kind: 'mime', types: ['text/*'] }, 'a,b\n', 'x.csv')).toBeNull();
    expect(await check({ kind: 'mime', types: ['image/*', 'text/plain'] }, pdf)).toBe(
      'The content looks like application/pdf; expected is image/* or text/plain.',
    );
  });
});

describe('csv', () => {
  const spec = {
    kind: 'csv',
    delimiter: ',',
    exact: false,
    columns: [
      { name: 'day', type: 'date', optional: false },
      { name: 'rain', type: 'float', optional: true },
      { name: 'count', type: 'int', optional: false },
      { name: 'wet', type: 'boolean', optional: false },
    ],
  } as const;

  it('accepts columns in any order, more columns, quotes, a byte order mark and empty optional cells', async () => {
    const table =
      '\uFEFFwet,"count",day,rain,note\r\ntrue,3,2024-02-29,-1.5e3,"a ""quoted"",\nnote"\r\n0,-4,2024-01-01T10:00:00Z,,\r\n';
    expect(await check(spec, table)).toBeNull();
  });

  it.each([
    ['a missing column', 'day,rain,wet\n', 'The header has no column "count". It has "day", "rain", "wet".'],
    [
      'another delimiter',
      'day;rain;count;wet\n',
      'The header has no column "day". Its columns seem to be separated by ";"; expected is ",".',
    ],
    ['a column twice', 'day,day,rain,count,wet\n', 'The header names the column "day" twice.'],
    [
      'a wrong type',
      'day,rain,count,wet\n2024-01-01,1,2,true\n2024-01-02,1,2.5,true\n',
      'Line 3, column "count": "2.5" is not a whole number.',
    ],
    [
      'a day that no month has',
      'day,rain,count,wet\n2023-02-29,1,2,true\n',
      'Line 2, column "day": "2023-02-29" is not a date such as 2024-02-29 or 2024-02-29T12:30:00Z.',
    ],
    [
      'an empty cell',
      'day,rain,count,wet\n2024-01-01,1,,true\n',
      'Line 2, column "count": the cell is empty; expected is a whole number.',
    ],
    ['a short row', 'day,rain,count,wet\n2024-01-01,1\n', 'Line 2 has 2 cells, but the header has 4.'],
    [
      'an open quote',
      'day,rain,count,wet\n"2024-01-01,1,2,true\n',
      'The table ends within quotes: a cell begins with a quote that nothing closes.',
    ],
    ['nothing', '', 'The file is empty; a table with a header line is needed.'],
  ])('names %s', async (_what, table, reason) => {
    expect(await check(spec, table)).toBe(reason);
  });

  it('names the line of a quote within a cell', async () => {
    expect(await check(spec, 'day,rain,count,wet\n2024-01-01,1"2,3,true\n')).toMatch(
      /^Line 2 has a quote within a cell\./,
    );
  });

  it('names the line that is not UTF-8', async () => {
    const latin = Buffer.from('day,rain,count,wet\n2024-01-01,1,2,true\n2024-01-02,1,2,\xe9\n', 'latin1');
    expect(await check(spec, latin)).toBe('Line 3 is not UTF-8 text; save the file as UTF-8.');
  });

  it('allows no other column when the columns are exact', async () => {
    expect(await check({ ...spec, exact: true }, 'day,rain,count,wet,more\n')).toBe(
      'The header has the column "more"; allowed are only "day", "rain", "count", "wet".',
    );
  });

  it('counts rows', async () => {
    const rows = { kind: 'csv', delimiter: '\t', exact: false, columns: [], minRows: 1, maxRows: 2 } as const;
    expect(await check(rows, 'a\tb\n1\t2\n\n3\t4\n')).toBeNull();
    expect(await check(rows, 'a\tb\n')).toBe('The table has 0 rows below its header; at least 1 are needed.');
    expect(await check(rows, 'a\tb\n1\t2\n3\t4\n5\t6\n')).toBe(
      'The table has more than 2 rows, which is the most that is allowed.',
    );
  });

  it('stops at a row without an end', async () => {
    expect(await check(spec, `day,rain,count,wet\n"${'x'.repeat(1024 * 1024 + 10)}`)).toContain(
      'has a row above 1 MiB',
    );
  });
});

describe('json', () => {
  const schema = {
    type: 'object',
    required: ['items'],
    properties: {
      items: {
        type: 'array',
        items: { type: 'object', properties: { count: { type: 'integer', minimum: 1 }, kind: { enum: ['a', 'b'] } } },
      },
    },
  };
  const spec = { kind: 'json', schema } as const;

  it('accepts a document that fulfils the schema', async () => {
    expect(await check(spec, '\uFEFF{"items": [{"count": 1, "kind": "a"}]}')).toBeNull();
    expect(await check({ kind: 'json', schema: true }, '[1]')).toBeNull();
  });

  it('names the place in the document', async () => {
    expect(await check(spec, '{"items": [{}, {"count": 0}]}')).toBe('At /items/1/count: the value must be >= 1.');
    expect(await check(spec, '{"items": [{"kind": "c"}]}')).toBe(
      'At /items/0/kind: the value must be equal to one of the allowed values: ["a","b"].',
    );
    expect(await check(spec, '{}')).toBe("The document must have required property 'items'.");
  });

  it('names line and column of a syntax error', async () => {
    expect(await check(spec, '{\n  "items": [1 2]\n}')).toMatch(/^The file is not JSON: line 2, column 15: /);
    expect(await check(spec, '{"items": [1,]}')).toBe(
      `The file is not JSON: Unexpected token ']' near "{"items": [1,]}".`,
    );
    expect(await check(spec, '{"items": ')).toMatch(/^The file is not JSON: line 1, column 11: /);
    expect(await check(spec, ' ')).toBe('The file is empty; a JSON document is needed.');
  });

  it('knows the newer dialect and formats', async () => {
    const newer = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      prefixItems: [{ type: 'string', format: 'date' }],
    };
    expect(await check({ kind: 'json', schema: newer }, '["2024-01-01"]')).toBeNull();
    expect(await check({ kind: 'json', schema: newer }, '["today"]')).toBe(
      'At /0: the value must match format "date".',
    );
  });

  it('is not held up by a pattern of the schema', async () => {
    const slow = { type: 'string', pattern: '^(a+)+$' };
    expect(await check({ kind: 'json', schema: slow }, JSON.stringify('a'.repeat(50_000) + '!'))).toContain(
      'must match pattern',
    );
  });

  it('says that a schema cannot be used', async () => {
    await expect(check({ kind: 'json', schema: { type: 'thing' } }, '1')).rejects.toMatchObject({
      code: 'INVALID_DEFINITION',
    });
  });

  it('bounds size and depth', async () => {
    expect(await check(spec, Buffer.alloc(16 * 1024 * 1024 + 1, 32))).toBe(
      'The JSON document has more than 16 MiB, which is the most that can be checked.',
    );
    const tree = { $id: 'tree', type: 'array', items: { $ref: '#' } };
    expect(await check({ kind: 'json', schema: tree }, '['.repeat(100_000) + ']'.repeat(100_000))).toContain(
      'nested too deeply',
    );
  });
});
