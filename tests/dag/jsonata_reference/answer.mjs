// Answers expressions with the reference implementation: a list of [expression, input] comes in, a list of answers goes out.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const jsonata = createRequire(`${process.cwd()}/`)("jsonata");

async function answer([expression, input]) {
  try {
    const value = await jsonata(expression).evaluate(input);
    if (value === undefined) return { kind: "nothing" };
    if (typeof value === "function" || value?._jsonata_lambda || value?._jsonata_function) return { kind: "function" };
    return { kind: "value", value };
  } catch (error) {
    return { kind: "fault", code: error.code ?? String(error) };
  }
}

const answers = [];
for (const asked of JSON.parse(await text(process.stdin))) answers.push(await answer(asked));
process.stdout.write(JSON.stringify(answers));
