import { GraphQLInputObjectType, GraphQLString, printType } from 'graphql';
import { jobInputType, underOwnNames } from '../../schema/jobs/jobInputTypes';
import { scalar, type ValueType } from '../../src/domain/values';

const part: ValueType = {
  kind: 'record',
  fields: [
    { name: 'first-line', type: scalar('int') },
    { name: 'inner', type: { kind: 'record', fields: [{ name: 'line-end', type: scalar('string') }] } },
  ],
};
const parts: ValueType = { kind: 'array', items: part };
const inputNamed = (name: string) => new GraphQLInputObjectType({ name, fields: { name: { type: GraphQLString } } });
const data = { fileInput: inputNamed('FileInput'), directoryInput: inputNamed('DirectoryInput') };

test('the fields of a record are called as GraphQL calls inputs', () => {
  const inputs = [{ name: 'page-part', type: part, description: '', validators: [] }];
  const { type } = jobInputType({ name: 'print', description: '', inputs, steps: [], outputs: [] }, data);
  const record = type?.getFields()['pagePart']?.type;
  expect(String(record)).toBe('RunPrintInputPagePartRecord!');
  const named = record && 'ofType' in record ? record.ofType : undefined;
  expect(named instanceof GraphQLInputObjectType && printType(named)).toContain('firstLine: Int!');
});

test('what comes under these names goes on under those of the definition', () => {
  const given = [{ firstLine: 1, inner: { lineEnd: 'lf' } }];
  expect(underOwnNames(parts, given)).toEqual([{ 'first-line': 1, inner: { 'line-end': 'lf' } }]);
});

test('what is no record, and what is not known, stays for the checks as it is', () => {
  expect(underOwnNames(scalar('int'), 3)).toBe(3);
  expect(underOwnNames(parts, 'text')).toBe('text');
  expect(underOwnNames(part, null)).toBeNull();
  expect(underOwnNames(part, { 'first-line': 1, other: 2 })).toEqual({ 'first-line': 1, other: 2 });
});
