/** Metadata of any namespace, flattened to strings, and the labels that rules take from it. */
import {
  maxMetadataEntries,
  maxMetadataNamespaces,
  maxMetadataPath,
  type Metadata,
} from '@virtscope/contracts';
import type { XmlElement } from '@virtscope/xml';
import { metadataKey, type LabelRule } from './label-rules.ts';

export type FlatMetadata = {
  metadata: Metadata | undefined;
  labels: Record<string, string> | undefined;
  /** Something was left out at a bound. */
  cut: boolean;
};

/** Prefix → namespace; the default namespace has the empty prefix. */
type Scope = ReadonlyMap<string, string>;

/** A key that objects have by themselves: readers of JSON do not keep it. */
const unkeepable = '__proto__';

export function flattenMetadata(domain: XmlElement, rules: readonly LabelRule[]): FlatMetadata {
  const element = domain.child('metadata');
  if (element === undefined) return { metadata: undefined, labels: undefined, cut: false };
  const flattening = new Flattening(rules);
  const scope = scopeWithin(element, scopeWithin(domain, new Map()));
  for (const [child, namespace, segment] of named(element, scope, undefined)) {
    flattening.walk(child, scope, namespace, segment);
  }
  return flattening.result();
}

class Flattening {
  readonly #rules: readonly LabelRule[];
  /** Namespace → path → value. */
  readonly #kept = new Map<string, Map<string, string>>();
  /** Namespace → the keys that rules ask for, found or not, however many others are cut. */
  readonly #asked = new Map<string, Map<string, string | undefined>>();
  #entries = 0;
  #cut = false;

  constructor(rules: readonly LabelRule[]) {
    this.#rules = rules;
    for (const rule of rules) {
      const keys = this.#asked.get(rule.namespace) ?? new Map<string, string | undefined>();
      this.#asked.set(rule.namespace, keys.set(metadataKey(rule), undefined));
    }
  }

  /** As deep as the reader of XML goes, which is bounded. */
  walk(element: XmlElement, outer: Scope, namespace: string, path: string): void {
    // All below would be longer still.
    if (path.length > maxMetadataPath) {
      this.#cut = true;
      return;
    }
    const scope = scopeWithin(element, outer);
    const attributes = Object.entries(element.attrs).filter(([name]) => !declares(name));
    for (const [name, value] of attributes) {
      this.#keep(namespace, `${path}@${attributeName(name, scope, namespace)}`, value);
    }
    const text = element.text.trim();
    // An empty element is a mark, unless its attributes are what it says.
    const isMark = element.children.length === 0 && attributes.length === 0;
    if (text !== '' || isMark) this.#keep(namespace, path, text);
    for (const [child, , segment] of named(element, scope, namespace)) {
      this.walk(child, scope, namespace, `${path}/${segment}`);
    }
  }

  #keep(namespace: string, key: string, value: string): void {
    const asked = this.#asked.get(namespace);
    if (asked?.has(key) === true && asked.get(key) === undefined) asked.set(key, value);
    const ofNamespace = this.#kept.get(namespace);
    if (
      this.#entries >= maxMetadataEntries ||
      (ofNamespace === undefined && this.#kept.size >= maxMetadataNamespaces) ||
      namespace === unkeepable ||
      key === unkeepable
    ) {
      this.#cut = true;
      return;
    }
    this.#entries += 1;
    if (ofNamespace === undefined) this.#kept.set(namespace, new Map([[key, value]]));
    else ofNamespace.set(key, value);
  }

  result(): FlatMetadata {
    const labels = new Map<string, string>();
    for (const rule of this.#rules) {
      const value = this.#asked.get(rule.namespace)?.get(metadataKey(rule));
      if (value !== undefined && value !== '' && !labels.has(rule.label)) {
        labels.set(rule.label, value);
      }
    }
    const kept = [...this.#kept].map(
      ([namespace, entries]) => [namespace, Object.fromEntries(entries)] as const,
    );
    return {
      metadata: kept.length === 0 ? undefined : Object.fromEntries(kept),
      labels: labels.size === 0 ? undefined : Object.fromEntries(labels),
      cut: this.#cut,
    };
  }
}

/**
 * Each child with its namespace and the segment of its path: its local name, `{namespace}name`
 * beside another namespace than `within`, and its place among equal siblings from the second on.
 */
function* named(
  element: XmlElement,
  scope: Scope,
  within: string | undefined,
): Generator<[XmlElement, string, string]> {
  const seen = new Map<string, number>();
  for (const child of element.children) {
    const [namespace, local] = resolve(child.name, scopeWithin(child, scope));
    const full = `{${namespace}}${local}`;
    const nth = (seen.get(full) ?? 0) + 1;
    seen.set(full, nth);
    const name = within === undefined || namespace === within ? local : full;
    yield [child, namespace, nth === 1 ? name : `${name}[${nth}]`];
  }
}

function scopeWithin(element: XmlElement, outer: Scope): Scope {
  const declared = Object.entries(element.attrs).flatMap(([name, uri]): [string, string][] => {
    if (name === 'xmlns') return [['', uri]];
    return name.startsWith('xmlns:') ? [[name.slice('xmlns:'.length), uri]] : [];
  });
  return declared.length === 0 ? outer : new Map([...outer, ...declared]);
}

function declares(attribute: string): boolean {
  return attribute === 'xmlns' || attribute.startsWith('xmlns:');
}

/** A prefix that nobody declared stays a part of the name, without a namespace. */
function resolve(name: string, scope: Scope): [namespace: string, local: string] {
  const colon = name.indexOf(':');
  const uri = scope.get(colon < 0 ? '' : name.slice(0, colon));
  return uri === undefined ? ['', name] : [uri, name.slice(colon + 1)];
}

/** An attribute without a prefix has no namespace, whatever the default one is. */
function attributeName(name: string, scope: Scope, within: string): string {
  if (!name.includes(':')) return name;
  const [namespace, local] = resolve(name, scope);
  return namespace === within || namespace === '' ? local : `{${namespace}}${local}`;
}
