/** An XML element: a name, and text or elements in it. */
export interface XmlElement {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly content: XmlContent;
}
/** What an element may hold; `undefined` among children is left out, so that optional elements read naturally. */
export type XmlContent = string | number | boolean | undefined | readonly (XmlElement | undefined)[];

/** Makes an element. */
export function element(name: string, content?: XmlContent, attributes?: Readonly<Record<string, string>>): XmlElement {
  return attributes === undefined ? { name, content } : { name, content, attributes };
}

/** A document with declaration, in UTF-8. */
export function xmlDocument(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${serialize(root)}`;
}

function serialize({ name, attributes, content }: XmlElement): string {
  const head = Object.entries(attributes ?? {}).map(([key, value]) => ` ${key}="${escapeXml(value)}"`);
  const open = `${name}${head.join('')}`;
  const body = serializeContent(content);
  return body === '' ? `<${open}/>` : `<${open}>${body}</${name}>`;
}

function serializeContent(content: XmlContent): string {
  if (content === undefined) return '';
  if (typeof content !== 'object') return escapeXml(String(content));
  return content.map((child) => (child === undefined ? '' : serialize(child))).join('');
}

/**
 * Escapes text for elements and attributes. Characters that XML 1.0 cannot carry become numeric references, as S3 writes
 * them in keys (XML 1.0 does not allow that either; clients ask for `encoding-type=url` for that reason).
 */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g, (character) => {
    switch (character) {
      case '&':
        return '&amp;';
      case '<':
        return '&lt;';
      case '>':
        return '&gt;';
      case '"':
        return '&quot;';
      default:
        return `&#x${(character.codePointAt(0) ?? 0).toString(16)};`;
    }
  });
}
