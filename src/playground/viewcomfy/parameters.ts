import { z } from 'zod';

import type { FluxWish } from '../drawing/flux.ts';
import { inputAt } from '../drawing/graph.ts';
import type { Form, FormFile } from './form.ts';
import { type Complaint, refuseInput } from './refusal.ts';

type Params = Readonly<Record<string, unknown>>;

/** What one run was asked to do. */
export interface Order {
  readonly params: Params;
  readonly files: ReadonlyMap<string, FormFile>;
  readonly logs: boolean;
  /** that takes the place of the deployed one */
  readonly workflow: SentWorkflow | undefined;
  /** set when the parameters are those of the workflow this server knows; every other order gets one picture */
  readonly flux: FluxOrder | undefined;
}

/** The Flux consistent-characters workflow's parameters, with the workflow's own values where nothing was sent. */
export interface FluxOrder extends FluxWish {
  readonly steps: number;
}

const CHARACTER = '626-inputs-image';
const POSE = '625-inputs-image';

const Text = z.string();
/** ComfyUI takes seeds of 64 bits; what JSON cannot carry exactly arrives rounded and is taken all the same. */
const NoiseSeed = z
  .number()
  .min(0)
  .max(2 ** 64);

/** Values where the workflow that ViewComfy shows has them. */
const FluxParams = z.object({
  '594-inputs-string': Text.default('a person'),
  '608-inputs-string': Text.default(''),
  '426-inputs-string': Text.default('forest'),
  '436-inputs-string': Text.default('city, winking'),
  '443-inputs-string': Text.default('music video'),
  '458-inputs-string': Text.default('desert, shocked'),
  '499-inputs-noise_seed': NoiseSeed.default(384340151733840),
  '588-inputs-noise_seed': NoiseSeed.default(384340151733836),
  '82-inputs-upscale_by': z.number().min(0.05).max(4).default(2),
  '82-inputs-seed': NoiseSeed.optional(),
  '183-inputs-seed': NoiseSeed.optional(),
  '743-inputs-int': z.number().int().min(1).max(1000).default(25),
  '592-inputs-string': Text.optional(),
  '652-inputs-weight': z.number().optional(),
});

/** What makes an order one for that workflow. */
const FLUX_SIGNS = [CHARACTER, '594-inputs-string', '426-inputs-string', '499-inputs-noise_seed'];

/** Nodes whose other inputs may be sent too: the expressions, and the output files' names. */
const FLUX_NODES = /^(346|354|356|358|76[4-8]|77[0-3]|779|782|78[5-8])-inputs-\w+$/;

const KEY = /^.+-inputs-.+$/s;
const JsonObject = z.record(z.string(), z.unknown());
const Workflow = z.record(z.string(), z.looseObject({ class_type: z.string(), inputs: JsonObject }));
type SentWorkflow = z.output<typeof Workflow>;

/** Where a value goes in a workflow that was sent. */
export function placeIn(workflow: SentWorkflow, key: string): ReturnType<typeof inputAt> {
  return inputAt((id) => (Object.hasOwn(workflow, id) ? workflow[id] : undefined), key);
}

/**
 * Checks a form as the deployment does.
 * @throws Refusal 422 that lists everything that is wrong
 */
export function readOrder(form: Form): Order {
  const complaints: Complaint[] = [];
  const params = readObject(form.fields.get('params'), 'params', JsonObject, complaints);
  const logsText = form.fields.get('logs')?.toLowerCase() ?? 'false';
  const logs = logsText === 'true' || logsText === '1';
  if (!logs && logsText !== 'false' && logsText !== '0') {
    complaints.push({
      type: 'bool_parsing',
      loc: ['body', 'logs'],
      msg: 'Input should be a valid boolean, unable to interpret input',
      input: logsText,
    });
  }
  // The official Python client sends an empty part where it has no workflow.
  const workflowText = form.fields.get('workflow_api') || undefined;
  const workflow =
    workflowText === undefined ? undefined : readObject(workflowText, 'workflow_api', Workflow, complaints);
  if (form.fields.get('params') === undefined) {
    complaints.push({ type: 'missing', loc: ['body', 'params'], msg: 'Field required' });
  }
  if (!params || complaints.length > 0) throw refuseInput(complaints);

  const keys = [...Object.keys(params), ...form.files.keys()];
  if (keys.length === 0) {
    throw refuseInput([{ type: 'value_error', loc: ['body', 'params'], msg: "Value error, params can't be empty" }]);
  }
  const isFlux = !workflow && FLUX_SIGNS.some((sign) => keys.includes(sign));
  for (const key of keys) {
    const known =
      KEY.test(key) &&
      (!workflow || placeIn(workflow, key)) &&
      (!isFlux || key === CHARACTER || key === POSE || key in FluxParams.shape || FLUX_NODES.test(key));
    if (!known) {
      complaints.push({
        type: 'value_error',
        loc: ['body', 'params', key],
        msg: 'Value error, no such input in the workflow',
      });
    }
  }
  const flux = isFlux ? readFlux(params, form.files, complaints) : undefined;
  if (complaints.length > 0) throw refuseInput(complaints);
  return { params, files: form.files, logs, workflow, flux };
}

function readFlux(
  params: Params,
  files: ReadonlyMap<string, FormFile>,
  complaints: Complaint[],
): FluxOrder | undefined {
  const character = files.get(CHARACTER);
  if (!character) complaints.push({ type: 'missing', loc: ['body', CHARACTER], msg: 'Field required' });
  const parsed = FluxParams.safeParse(params);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const key = String(issue.path[0]);
      complaints.push({ type: issue.code, loc: ['body', 'params', key], msg: issue.message, input: params[key] });
    }
    return undefined;
  }
  const values = parsed.data;
  return (
    character && {
      character: character.bytes,
      pose: files.get(POSE)?.bytes,
      prompt: values['594-inputs-string'],
      style: values['608-inputs-string'],
      scenes: [
        values['426-inputs-string'],
        values['436-inputs-string'],
        values['443-inputs-string'],
        values['458-inputs-string'],
      ],
      seed: values['499-inputs-noise_seed'],
      sheetSeed: values['588-inputs-noise_seed'],
      upscaleBy: values['82-inputs-upscale_by'],
      steps: values['743-inputs-int'],
    }
  );
}

function readObject<T>(
  text: string | undefined,
  field: string,
  Shape: z.ZodType<T>,
  complaints: Complaint[],
): T | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    complaints.push({
      type: 'json_invalid',
      loc: ['body', field],
      msg: 'JSON decode error',
      input: text.slice(0, 200),
    });
    return undefined;
  }
  const parsed = Shape.safeParse(value);
  if (parsed.success) return parsed.data;
  complaints.push({
    type: 'dict_type',
    loc: ['body', field],
    msg: 'Input should be a valid dictionary',
    input: text.slice(0, 200),
  });
  return undefined;
}
