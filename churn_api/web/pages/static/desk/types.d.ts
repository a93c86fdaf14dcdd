/** What the API answers, from the document that it answers at /openapi.json (`schema.d.ts` is made of it by the tests). */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Summary = Schemas["ModelSummary"];
export type Report = Omit<Schemas["EvaluationReport"], "metrics" | "roc" | "precision_recall" | "importance"> & {
  metrics: Record<string, { mean: number; std: number }>;
  roc: { false_positive_rate: number[]; true_positive_rate: number[] };
  precision_recall: { recall: number[]; precision: number[] };
  importance: Record<string, number>;
};
export type Effect = Schemas["Effect"];
export type Explanation = Schemas["Explanation"];
export type Costs = Schemas["Costs"];
export type Profit = Schemas["Profit"];
export type Quality = Schemas["Quality"];
export type Experiment = Schemas["Experiment"];
export type Watch = Schemas["Watch"];
export type Job = Schemas["JobAnswer"];

export interface Feature {
  name: string;
  type: "integer" | "number" | "boolean" | "string" | "date";
  required?: boolean;
  minimum?: number;
  maximum?: number;
  choices?: (string | number)[];
  unseen?: "refuse" | "accept";
  labels?: [string | number, string | number];
  reference?: string;
  max_length?: number;
  description?: string;
  observed?: { minimum: number; maximum: number; median?: number };
  label?: string;
  unit?: string;
  group?: string;
  actionable?: { values?: unknown[]; factors?: number[] };
}

export type Model = Omit<Schemas["ModelDetail"], "signature" | "policy" | "training" | "metrics" | "reasons"> & {
  signature: {
    features: Feature[];
    identifier?: string | null;
    target: { name: string; positive: string; negative: string; horizon_days?: number };
  };
  policy: { threshold: number; medium_from: number; high_from: number };
  metrics: Record<string, any>;
  training: { rows: number; base_rate: number; remarks: Schemas["Remark"][] };
  reasons: { method: string; scale: string } | null;
};

export type Value = string | number | boolean;
export type Customer = Record<string, Value>;

export interface Prediction {
  customer_id: string | number | null;
  churn_prediction: 0 | 1;
  churn_probability: number;
  risk_band: "low" | "medium" | "high";
  threshold: number;
  model_name: string;
  model_version: string;
  reasons?: { feature: string; value: unknown; contribution: number; points: number; text: string }[];
  others?: number;
  base?: number;
  what_if?: { changes: { feature: string; value: Value }[]; probability: number; points: number; text: string }[];
  warnings?: import("./api.js").Fault[];
}
