import { XMLParser } from 'fast-xml-parser';
import { SyntaxValidator } from 'fast-xml-validator';
import { S3Error } from '../errors.js';

/** An element that was read: its children by name, or its text. */
export type XmlNode = string | { readonly [name: string]: XmlNode | readonly XmlNode[] | undefined };

const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, trimValues: false, removeNSPrefix: true });

/** Reads an XML body with this root. Throws `MalformedXML`. */
export function parseXml(body: string, root: string): Exclude<XmlNode, string> {
  const found = parseDocument(body)[root];
  if (found === undefined) throw malformed();
  return typeof found === 'string' ? {} : found;
}

function parseDocument(body: string): Record<string, XmlNode | undefined> {
  try {
    SyntaxValidator.validate(body);
    return parser.parse(body) as Record<string, XmlNode | undefined>;
  } catch {
    throw malformed();
  }
}

/** A child that may be there once or several times, as a list. */
export function children(value: XmlNode | readonly XmlNode[] | undefined): readonly Exclude<XmlNode, string>[] {
  const nodes = value === undefined ? [] : Array.isArray(value) ? (value as readonly XmlNode[]) : [value as XmlNode];
  return nodes.filter((node) => typeof node !== 'string');
}

/** The text of a child; undefined where there is none. */
export function text(value: XmlNode | readonly XmlNode[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function malformed(): S3Error {
  return new S3Error(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
  );
}
