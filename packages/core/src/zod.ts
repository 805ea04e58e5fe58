// `import 'tidings/zod'`: compiles zod schemas once each, for whoever uses contracts without bootstrap.
import './contract/zod-schemas.ts'
