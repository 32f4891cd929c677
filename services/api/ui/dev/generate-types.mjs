// From the API's OpenAPI document (standard input) to the page's types (standard output):
//   python -m services.api.openapi | npm run --silent generate > src/api-types.ts
// Only the shapes: the page writes its paths by hand, and a test keeps this file current.
import openapiTS, { astToString } from "openapi-typescript";
import { text } from "node:stream/consumers";

const { openapi, info, components } = JSON.parse(await text(process.stdin));
const document = { openapi, info, paths: {}, components: { schemas: components.schemas } };
const tree = await openapiTS(document, { alphabetize: true, defaultNonNullable: false });
const title = "/** Made by dev/generate-types.mjs from the API's OpenAPI document; change the API's models, not this. */\n";
process.stdout.write(title + astToString(tree));
