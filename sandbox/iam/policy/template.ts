import type { RequestContext } from './context.js';
import { MalformedPolicy } from './malformed.js';
import { parseWildcards, textPattern, type Pattern, type PatternPart } from './wildcard.js';

/** A pattern with policy variables that are not filled in yet. */
export type Template = readonly (
  | PatternPart
  /** `${aws:username}`, `${aws:PrincipalTag/team, 'none'}` */
  | { readonly kind: 'variable'; readonly key: string; readonly fallback: string | undefined }
)[];

/** How the text of a template is read. */
export interface TemplateOptions {
  /** Where it stands in the policy, for errors. */
  readonly place: string;
  /** Whether `${…}` is a variable: only in policies of version 2012-10-17. Otherwise it is text. */
  readonly variables: boolean;
  /** Whether `*` and `?` stand for other characters. */
  readonly wildcards: boolean;
}

/** Reads text with variables and wildcards. Throws {@link MalformedPolicy} for a variable that cannot be read. */
export function parseTemplate(text: string, { place, variables, wildcards }: TemplateOptions): Template {
  return text.split(variables ? /(\$\{[^}]*\})/ : /(?!)/).flatMap((piece, index): Template => {
    if (index % 2 === 1) return [parseVariable(piece, place)];
    return wildcards ? parseWildcards(piece) : textPattern(piece);
  });
}

/**
 * Fills the variables in. What they bring is text, wildcards in it included. Undefined where a variable has no value, or
 * several: nothing equals that (IAM User Guide, "Policy variables with no value").
 */
export function fillIn(template: Template, context: RequestContext): Pattern | undefined {
  const parts: PatternPart[] = [];
  for (const part of template) {
    if (part.kind !== 'variable') {
      parts.push(part);
      continue;
    }
    const values = context.valuesOf(part.key);
    const value = values.length > 1 ? undefined : (values[0] ?? part.fallback);
    if (value === undefined) return undefined;
    parts.push({ kind: 'text', text: value });
  }
  return parts;
}

/** `${*}`, `${?}` and `${$}` are those characters; all others are keys of the request's context. */
function parseVariable(variable: string, place: string): Template[number] {
  const content = variable.slice(2, -1);
  if (content === '*' || content === '?' || content === '$') return { kind: 'text', text: content };
  const [, key, fallback] = /^([\w.-]+:[^,'${}]+?)(?:, *'([^']*)')?$/.exec(content) ?? [];
  if (key === undefined) throw new MalformedPolicy(place, `${variable} is no policy variable.`);
  return { kind: 'variable', key, fallback };
}
