import type { RequestContext } from './context.js';
import { MalformedPolicy } from './malformed.js';
import { fillIn, parseTemplate, type Template } from './template.js';
import { matchesPattern } from './wildcard.js';

/** An ARN with wildcards and variables, to be held against the ARN of a request. */
export interface ArnPattern {
  matches(arn: string, context: RequestContext): boolean;
}

/** How the text of an ARN pattern is read. */
export interface ArnOptions {
  /** Where it stands in the policy, for errors. */
  readonly place: string;
  readonly variables: boolean;
  /**
   * Whether a `*` at the end of a section passes the colon behind it. It does in Resource elements (IAM User Guide, "IAM
   * JSON policy elements: Resource"), and does not in ARN conditions, where each section is held against its like.
   */
  readonly passesColons: boolean;
}

/** `arn`, partition, service, region, account: what comes after the fifth colon may have colons of its own. */
const sectionsBeforeResource = 5;

/** Reads an ARN with wildcards. Variables may stand after the fifth colon only. Throws {@link MalformedPolicy}. */
export function parseArnPattern(text: string, { place, variables, passesColons }: ArnOptions): ArnPattern {
  const pieces = text.split(':');
  const sections = pieces.slice(0, sectionsBeforeResource);
  const resource = pieces.slice(sectionsBeforeResource).join(':');
  if (pieces.length <= sectionsBeforeResource || !/^(?:arn|\*)$/.test(sections[0] ?? '')) {
    throw new MalformedPolicy(
      place,
      `${JSON.stringify(text)} is no ARN: arn:partition:service:region:account:resource.`,
    );
  }
  if (sections.some((section) => section.includes('${'))) {
    throw new MalformedPolicy(place, `${JSON.stringify(text)} has a variable before its fifth colon.`);
  }
  const template: Template = [
    ...sections.flatMap((section) => [
      ...withinSection(parseTemplate(section, { place, variables: false, wildcards: true }), passesColons),
      { kind: 'text', text: ':' } as const,
    ]),
    ...parseTemplate(resource, { place, variables, wildcards: true }),
  ];
  return {
    matches: (arn, context) => {
      const pattern = fillIn(template, context);
      return pattern !== undefined && matchesPattern(pattern, arn);
    },
  };
}

function withinSection(section: Template, passesColons: boolean): Template {
  return section.map((part, index) => {
    const isLast = index === section.length - 1;
    if (part.kind === 'one' || (part.kind === 'many' && !(isLast && passesColons))) return { ...part, within: ':' };
    return part;
  });
}
