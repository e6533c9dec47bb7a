/**
 * Who may import whom (docs/architecture.md). Type imports count. test/api/imports.test.ts runs these rules, and
 * plants a violation of each to see it caught.
 */
const drivers = ['ioredis'];
/** Packages of the inspector; elkjs belongs to the charts. */
const inspectorPackages = ['hono', '@hono/node-server', 'uplot'];
const inspectorPackage = `(^|/)node_modules/(${inspectorPackages.join('|')})(/|$)|^(${inspectorPackages.join('|')})(/|$)`;
const driver = `(^|/)node_modules/(${drivers.join('|')})(/|$)|^(${drivers.join('|')})$`;

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'everything-resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'contracts-import-nothing-else',
      severity: 'error',
      from: { path: '^src/contracts/' },
      to: { pathNot: '^src/contracts/' },
    },
    {
      name: 'machines-know-xstate-and-contracts',
      severity: 'error',
      from: { path: '^machines/' },
      to: { pathNot: ['^machines/', '^src/contracts/', '(^|/)node_modules/xstate/'] },
    },
    {
      name: 'transports-know-only-the-port',
      comment:
        'Not each other, not the bus, not the machines. Its index.ts is the subpath that joins both sides.',
      severity: 'error',
      from: { path: '^src/transports/([^/]+)/', pathNot: '^src/transports/[^/]+/index\\.ts$' },
      to: {
        path: '^(src|machines)/',
        pathNot: ['^src/contracts/', '^src/errors\\.ts$', '^src/transports/$1/'],
      },
    },
    {
      name: 'a-subpath-joins-one-transport',
      severity: 'error',
      from: { path: '^src/transports/([^/]+)/index\\.ts$' },
      to: { path: '^src/transports/', pathNot: '^src/transports/$1/' },
    },
    {
      name: 'drivers-stay-in-their-transport',
      severity: 'error',
      from: { path: '^(src|machines)/', pathNot: '^src/transports/redis/' },
      to: { path: driver },
    },
    {
      name: 'the-root-never-reaches-a-driver',
      severity: 'error',
      from: { path: '^src/index\\.ts$' },
      to: { path: driver, reachable: true },
    },
    {
      name: 'the-inspector-is-a-subpath',
      comment: 'Nobody who does not ask for it loads it.',
      severity: 'error',
      from: { path: '^(src|machines)/', pathNot: '^src/inspector/' },
      to: { path: '^src/inspector/' },
    },
    {
      name: 'the-inspector-alone-serves',
      severity: 'error',
      from: { path: '^(src|machines)/', pathNot: '^src/inspector/' },
      to: { path: inspectorPackage },
    },
    {
      name: 'the-page-knows-the-protocol-alone',
      comment: 'It runs in a browser.',
      severity: 'error',
      from: { path: '^src/inspector/page/' },
      to: {
        pathNot: [
          '^src/inspector/page/',
          '^src/inspector/protocol\\.ts$',
          '(^|/)node_modules/uplot/',
          '^uplot$',
        ],
      },
    },
    {
      name: 'the-server-is-not-the-page',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/inspector/page/' },
      to: { path: '^src/inspector/page/' },
    },
    {
      name: 'the-repository-knows-no-bus',
      comment: 'It publishes to whatever has publish(), and stores in whatever implements its port.',
      severity: 'error',
      from: { path: '^src/repository/' },
      to: {
        path: '^(src|machines)/',
        pathNot: ['^src/repository/', '^src/contracts/', '^src/events/', '^src/errors\\.ts$'],
      },
    },
    {
      name: 'charts-know-no-machine',
      comment: 'They draw any machine of XState, so nothing of this bus is theirs but how its errors look.',
      severity: 'error',
      from: { path: '^src/charts/' },
      to: { path: '^(src|machines)/', pathNot: ['^src/charts/', '^src/errors\\.ts$'] },
    },
    {
      name: 'the-command-line-knows-machines-and-charts',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: {
        path: '^(src|machines)/',
        pathNot: ['^src/cli/', '^src/charts/index\\.ts$', '^src/errors\\.ts$', '^machines/index\\.ts$'],
      },
    },
    {
      name: 'nothing-imports-the-command-line',
      severity: 'error',
      from: { path: '^(src|machines)/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'layout-and-arguments-stay-in-their-rooms',
      severity: 'error',
      from: { path: '^(src|machines)/', pathNot: '^src/(charts|cli)/' },
      to: { path: '(^|/)node_modules/(elkjs|commander)(/|$)' },
    },
    {
      name: 'the-root-reaches-neither-layout-nor-commander',
      severity: 'error',
      from: { path: '^src/index\\.ts$' },
      to: { path: '(^|/)node_modules/(elkjs|commander)/', reachable: true },
    },
    {
      name: 'the-model-knows-no-machine',
      comment:
        'What is expected of the machines must not come from them, and so not from what is made of them.',
      severity: 'error',
      from: { path: '^src/testing/model/' },
      to: { path: '^machines/' },
    },
    {
      name: 'the-library-stands-alone',
      severity: 'error',
      from: { path: '^(src|machines)/' },
      to: { path: '^(test|examples|bench|scripts|brokers)/' },
    },
  ],
  options: {
    // TypeScript 7 has no parser to call; swc also reports imports of types.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
