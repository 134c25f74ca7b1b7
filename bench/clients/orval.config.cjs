const input = "./openapi.json";
const baseUrl = process.env.RETAINER_API;
module.exports = {
  api: { input, output: { mode: "single", target: "generated/orval/api.ts", client: "fetch", baseUrl } },
  zod: { input, output: { mode: "single", target: "generated/orval/zod.ts", client: "zod" } },
};
