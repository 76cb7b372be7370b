import { XMLParser } from 'fast-xml-parser';
import { SyntaxValidator } from 'fast-xml-validator';
import { malformedXml, notImplemented } from '../errors.js';

/** An element that was read: its children by name, or its text with entities as they were sent. */
export type XmlNode = string | { readonly [name: string]: XmlNode | readonly XmlNode[] | undefined };

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  removeNSPrefix: true,
  // It knows no numeric references, and bounds how many entities a document may have; `text` decodes them.
  processEntities: false,
});

/** Reads an XML body with this root. Throws `MalformedXML`. */
export function parseXml(body: string, root: string): Exclude<XmlNode, string> {
  const found = parseDocument(body)[root];
  if (found === undefined) throw malformedXml();
  return typeof found === 'string' ? {} : found;
}

function parseDocument(body: string): Record<string, XmlNode | undefined> {
  try {
    SyntaxValidator.validate(body);
    return parser.parse(body) as Record<string, XmlNode | undefined>;
  } catch {
    throw malformedXml();
  }
}

/** A child that may be there once or several times, as a list. */
export function children(value: XmlNode | readonly XmlNode[] | undefined): readonly Exclude<XmlNode, string>[] {
  const nodes = value === undefined ? [] : Array.isArray(value) ? (value as readonly XmlNode[]) : [value as XmlNode];
  return nodes.filter((node) => typeof node !== 'string');
}

/** The text of a child; undefined where there is none. */
export function text(value: XmlNode | readonly XmlNode[] | undefined): string | undefined {
  return typeof value === 'string' ? decode(value) : undefined;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Named and numeric references; SDKs write line ends and control characters in keys as the latter. Throws `MalformedXML`. */
function decode(raw: string): string {
  return raw.replace(
    /&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([a-z]+));/gi,
    (_, hex?: string, decimal?: string, name = '') => {
      const codePoint = hex !== undefined ? parseInt(hex, 16) : decimal !== undefined ? Number(decimal) : undefined;
      const found = codePoint === undefined ? entities[name as string] : toCharacter(codePoint);
      if (found === undefined) throw malformedXml();
      return found;
    },
  );
}

function toCharacter(codePoint: number): string | undefined {
  return codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : undefined;
}

/** Refuses elements that nobody would look at. Throws `NotImplemented`, naming the first. */
export function onlyKnown(node: Exclude<XmlNode, string>, known: readonly string[], operation: string): void {
  const unknown = Object.keys(node).find((name) => name !== '#text' && !known.includes(name));
  if (unknown !== undefined) throw notImplemented(`${operation} with ${unknown}`);
}
