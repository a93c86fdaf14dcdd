// One customer and many, with the types of the service's own document:
//   npx openapi-typescript http://127.0.0.1:8000/openapi.json --output churn.d.ts
//   npx tsc --strict --target es2022 --module nodenext predict.ts && node predict.js
import type { components, paths } from "./churn.js";

type Customer = components["schemas"]["Record_default"];
type Prediction = components["schemas"]["Prediction"];
type Many = components["schemas"]["BatchPrediction"];
type Problem = components["schemas"]["Problem"];

declare const process: { argv: string[] };
const [url = "http://127.0.0.1:8000", key = ""] = process.argv.slice(2);

async function post<Answer>(path: keyof paths, body: object, query = ""): Promise<Answer> {
  const headers = { "Content-Type": "application/json", ...(key && { "X-API-Key": key }) };
  const response = await fetch(url + path + query, { method: "POST", headers, body: JSON.stringify(body) });
  if (response.ok) return (await response.json()) as Answer;
  const problem = (await response.json()) as Problem;
  throw new Error(problem.detail + JSON.stringify(problem.errors ?? []));
}

const customer: Customer = { customer_id: "CUST001", age: 35, tenure: 24, monthly_charges: 65.5 };

const one = await post<Prediction>("/api/v1/predict", customer, "?reasons=3");
console.log(one.churn_probability, one.risk_band, one.reasons?.map((reason) => reason.text));

const many = await post<Many>("/api/v1/batch-predict", { customers: [customer, { ...customer, tenure: 1 }] });
console.log(many.count, many.predictions);
