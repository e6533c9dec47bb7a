import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync, type ModuleExportName, type ModuleItem } from '@swc/core';

/** Kind by exported name, such as `class` for `RedisEventBus`, of a built declaration file and all it re-exports. */
export function exportsOf(declarationFile: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const { body } = parseSync(readFileSync(declarationFile, 'utf8'), { syntax: 'typescript' });
  const locals = new Map(body.flatMap(declared));
  const imports = new Map(body.flatMap(imported));
  const of = (source: string) =>
    exportsOf(join(dirname(declarationFile), source.replace(/\.[jt]s$/, '.d.ts')));

  for (const item of body) {
    if (item.type === 'ExportDeclaration') {
      for (const [name, kind] of declared(item)) found.set(name, kind);
    } else if (item.type === 'ExportAllDeclaration') {
      for (const [name, kind] of of(item.source.value)) found.set(name, kind);
    } else if (item.type === 'ExportNamedDeclaration') {
      for (const specifier of item.specifiers) {
        if (specifier.type !== 'ExportSpecifier') continue;
        const name = textOf(specifier.orig);
        const origin = imports.get(name);
        const kind =
          item.source !== null && item.source !== undefined
            ? of(item.source.value).get(name)
            : (locals.get(name) ?? (origin && of(origin.source).get(origin.name)));
        if (kind === undefined) throw new Error(`${declarationFile} exports ${name}, which isn't declared`);
        found.set(
          specifier.exported ? textOf(specifier.exported) : name,
          withType(kind, item.typeOnly || specifier.isTypeOnly),
        );
      }
    } else if (item.type === 'ExportDefaultDeclaration' || item.type === 'ExportDefaultExpression') {
      found.set('default', 'default');
    }
  }
  return found;
}

/** A class that is exported as a type only can't be constructed by the user: say so. */
function withType(kind: string, isTypeOnly: boolean): string {
  return isTypeOnly && !isType(kind) ? `type of ${kind}` : kind;
}

/** Whether nothing of that kind is there at run time. */
export function isType(kind: string): boolean {
  return kind === 'type' || kind === 'interface' || kind.startsWith('type of ');
}

function imported(item: ModuleItem): [string, { source: string; name: string }][] {
  if (item.type !== 'ImportDeclaration') return [];
  return item.specifiers.flatMap((specifier) =>
    specifier.type === 'ImportSpecifier'
      ? [
          [
            specifier.local.value,
            {
              source: item.source.value,
              name: specifier.imported ? textOf(specifier.imported) : specifier.local.value,
            },
          ],
        ]
      : [],
  );
}

function declared(item: ModuleItem): [string, string][] {
  const declaration = item.type === 'ExportDeclaration' ? item.declaration : item;
  switch (declaration.type) {
    case 'ClassDeclaration':
      return [[declaration.identifier.value, 'class']];
    case 'FunctionDeclaration':
      return [[declaration.identifier.value, 'function']];
    case 'VariableDeclaration':
      return declaration.declarations.flatMap(({ id }) =>
        id.type === 'Identifier' ? [[id.value, 'const']] : [],
      );
    case 'TsInterfaceDeclaration':
      return [[declaration.id.value, 'interface']];
    case 'TsTypeAliasDeclaration':
      return [[declaration.id.value, 'type']];
    default:
      return [];
  }
}

function textOf(name: ModuleExportName): string {
  return name.value;
}
