import { describe, expect, it } from 'vitest';
import { element, xmlDocument } from '../../../sandbox/server/xml.js';

const write = (content: Parameters<typeof element>[1]) =>
  xmlDocument(element('A', content)).split('\n').slice(1).join('\n');

describe('XML', () => {
  it('escapes what means something in XML', () => {
    expect(write(`<a href="b">&'`)).toBe(`<A>&lt;a href=&quot;b&quot;&gt;&amp;'</A>`);
  });

  it('writes characters that XML 1.0 cannot carry as numeric references', () => {
    expect(write('a\u0000b\u0001c\rd\u001f\ufffe')).toBe('<A>a&#x0;b&#x1;c&#xd;d&#x1f;&#xfffe;</A>');
    expect(write('line\nend\tä🐘')).toBe('<A>line\nend\tä🐘</A>');
  });

  it('leaves out undefined children and closes empty elements', () => {
    expect(write([element('B', 1), undefined, element('C', false), element('D')])).toBe(
      '<A><B>1</B><C>false</C><D/></A>',
    );
  });
});
