/** Collects what is wrong with the members of a request, to say it all at once as AWS's framework does. */
export interface Violations {
  readonly found: readonly string[];
  add(name: string, value: string | number | undefined, constraint: string): void;
}

/** Begins a collection. */
export function newViolations(): Violations {
  const found: string[] = [];
  return {
    found,
    add: (name, value, constraint) => {
      const shown = value === undefined ? 'null' : `'${value}'`;
      found.push(`Value ${shown} at '${name}' failed to satisfy constraint: ${constraint}`);
    },
  };
}

/** What the service's model says of a text. */
export interface TextRule {
  readonly pattern?: RegExp;
  readonly least?: number;
  readonly most?: number;
}

/** What it says of a whole number. */
export interface NumberRule {
  readonly least?: number;
  readonly most?: number;
}

/** Checks a text against its rule. */
export function checkText(
  violations: Violations,
  { name, value }: { readonly name: string; readonly value: string },
  rule: TextRule,
): void {
  if (rule.most !== undefined && value.length > rule.most) {
    violations.add(name, value, `Member must have length less than or equal to ${rule.most}`);
  }
  if (rule.least !== undefined && value.length < rule.least) {
    violations.add(name, value, `Member must have length greater than or equal to ${rule.least}`);
  }
  if (rule.pattern?.test(value) === false) {
    violations.add(
      name,
      value,
      `Member must satisfy regular expression pattern: ${rule.pattern.source.replace(/\\\//g, '/')}`,
    );
  }
}

/** Checks a whole number against its rule. */
export function checkNumber(
  violations: Violations,
  { name, value }: { readonly name: string; readonly value: number },
  rule: NumberRule,
): void {
  if (rule.least !== undefined && value < rule.least) {
    violations.add(name, value, `Member must have value greater than or equal to ${rule.least}`);
  }
  if (rule.most !== undefined && value > rule.most) {
    violations.add(name, value, `Member must have value less than or equal to ${rule.most}`);
  }
}
