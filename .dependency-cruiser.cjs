// The direction of imports from docs/ARCHITECTURE.md:
// cli -> commands -> source, archive, codec, store, disk, verify, restore, costs -> process -> core
const rooms = '(source|archive|codec|store|disk|verify|restore|costs)';
const rule = (name, from, to, comment) => ({ name, severity: 'error', comment, from, to });

module.exports = {
  forbidden: [
    rule('no-cycles', {}, { circular: true }, 'A reader must be able to start somewhere.'),
    rule(
      'core-imports-nothing',
      { path: '^src/core' },
      { path: '^(src/(?!core)|sandbox|bin)' },
      'core is the ground floor',
    ),
    rule('process-imports-core', { path: '^src/process' }, { path: '^(src/(?!core|process)|sandbox|bin)' }, ''),
    rule(
      'archive-is-pure',
      { path: '^src/archive' },
      { path: '^(src/(?!core|archive)|sandbox|bin|node_modules/@aws-sdk)' },
      'the format depends on nothing',
    ),
    rule(
      'rooms-do-not-import-each-other',
      { path: `^src/${rooms}/` },
      { path: '^src/(source|codec|store|disk|verify|restore|costs|commands|cli)/', pathNot: '^src/$1/' },
      'rooms meet in commands',
    ),
    rule(
      'commands-know-no-terminal',
      { path: '^src/commands' },
      { path: '^(src/cli|sandbox|bin|node_modules/(@aws-sdk|commander|log-update))' },
      '',
    ),
    rule(
      'src-never-imports-sandbox',
      { path: '^src' },
      { path: '^(sandbox|bin)' },
      'src does not know whether it talks to AWS',
    ),
    rule(
      'sandbox-uses-only-core-and-process',
      { path: '^sandbox' },
      { path: '^src/(?!core|process)' },
      'the stand does not share code with what it judges',
    ),
    rule(
      'child-processes-in-process-only',
      { path: '^(src|sandbox)', pathNot: '^src/process' },
      { path: '^(node:)?child_process$' },
      '',
    ),
    rule(
      'no-dev-dependencies',
      { path: '^(src|sandbox|bin)' },
      { dependencyTypes: ['npm-dev'] },
      'what ships must install with it',
    ),
    rule('no-orphan-resolution', {}, { couldNotResolve: true }, 'an import that cannot be found'),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
