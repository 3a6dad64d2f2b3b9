import { z } from 'zod';
import { BackendError } from '../../errors.ts';
import { nodeName, parameterKey, type Workflow } from '../../recipes/workflow.ts';
import { parsePythonJson } from '../python-json.ts';
import { refusalOf, type RefusedAnswer } from '../refusal.ts';

/**
 * ComfyUI's complaints as sentences. Its own name nodes by number and carry tracebacks with the server's paths; people
 * know a node by its title.
 */

const NodeErrors = z.record(
  z.string(),
  z.object({
    class_type: z.string().nullish(),
    errors: z.array(
      z.object({
        type: z.string().nullish(),
        message: z.string().nullish(),
        details: z.string().nullish(),
        extra_info: z.object({ input_name: z.string().nullish(), received_value: z.unknown().optional() }).nullish(),
      }),
    ),
  }),
);
type NodeErrors = z.infer<typeof NodeErrors>;
type InputError = NodeErrors[string]['errors'][number];

const Refused = z.object({
  type: z.string().nullish(),
  message: z.string(),
  details: z.string().nullish(),
  extra_info: z
    .object({ class_type: z.string().nullish(), node_title: z.string().nullish(), node_errors: NodeErrors.nullish() })
    .nullish(),
});

/** The native API says `{error, node_errors}`; the fork's REST says the inner error alone. */
const Refusal = z.union([
  z
    .object({ error: Refused, node_errors: NodeErrors.nullish() })
    .transform(({ error, node_errors }) => ({ error, nodes: node_errors ?? error.extra_info?.node_errors ?? {} })),
  Refused.transform((error) => ({ error, nodes: error.extra_info?.node_errors ?? {} })),
]);

/** More complaints than a person reads. */
const MOST_COMPLAINTS = 3;

type Clean = (text: string) => string | undefined;

/** What a refused prompt means: 400 is about the workflow or its values, everything else as with any service. */
export function refusePrompt(answer: RefusedAnswer, workflow: Workflow): BackendError {
  const refusal = refusalOf(answer);
  if (refusal.type !== 'invalid') return refusal;
  const parsed = Refusal.safeParse(tryParse(answer.text));
  if (!parsed.success) return refusal;
  const { error, nodes } = parsed.data;
  const said = complaintsOf(nodes, workflow);
  const detail = answer.clean(said.words || wordsOfRefused(error));
  return new BackendError(refusal.message, {
    type: 'invalid',
    billed: 'no',
    status: answer.status,
    parameters: said.parameters,
    ...(detail !== undefined && { detail }),
  });
}

/** Some of the workflow's outputs are invalid: ComfyUI runs the others, and answers 200. */
export function partlyRefused(nodeErrors: unknown, workflow: Workflow, clean: Clean): BackendError | undefined {
  const nodes = NodeErrors.safeParse(nodeErrors ?? {});
  if (nodes.success && Object.keys(nodes.data).length === 0) return undefined;
  const { words, parameters } = complaintsOf(nodes.data ?? {}, workflow);
  const detail = clean(words);
  return new BackendError('a part of the workflow is invalid', {
    type: 'invalid',
    parameters,
    ...(detail !== undefined && { detail }),
  });
}

function complaintsOf(nodes: NodeErrors, workflow: Workflow): { words: string; parameters: string[] } {
  const complaints = Object.entries(nodes).flatMap(([id, { errors, class_type: kind }]) =>
    errors.map((error) => {
      const input = error.extra_info?.input_name ?? undefined;
      const name = Object.hasOwn(workflow, id) ? nodeName(workflow, id) : (kind ?? `node ${id}`);
      return {
        words: `${input === undefined ? name : `${name}, ${input}`}: ${problemOf(error, input)}`,
        parameter: input === undefined ? undefined : parameterKey(id, input),
      };
    }),
  );
  const more = complaints.length - MOST_COMPLAINTS;
  return {
    words: [
      ...complaints.slice(0, MOST_COMPLAINTS).map(({ words }) => words),
      ...(more > 0 ? [`and ${more} more`] : []),
    ].join('; '),
    parameters: [...new Set(complaints.flatMap(({ parameter }) => (parameter === undefined ? [] : [parameter])))],
  };
}

/** @param input that it is about, which the sentence names already */
function problemOf({ type, message, details, extra_info: info }: InputError, input: string | undefined): string {
  switch (type) {
    case 'required_input_missing':
      return 'is missing';
    case 'value_not_in_list':
      return `the server has no ${JSON.stringify(info?.received_value ?? 'such value')}`;
    case 'return_type_mismatch':
      return 'is linked to something of another kind';
    case 'bad_linked_input':
      return 'is linked wrongly';
    // Its details are a traceback, or the number of a node.
    case 'exception_during_validation':
    case 'exception_during_inner_validation':
      return 'cannot be checked, perhaps because it is linked to a node that is not there';
    case 'custom_validation_failed': {
      const reason = withoutPrefix(details ?? '', input);
      return reason.startsWith('Invalid image file') ? 'the file is missing' : reason || 'is not valid';
    }
    default:
      return [message, withoutPrefix(details ?? '', input)].filter(Boolean).join(': ') || 'is not valid';
  }
}

/** ComfyUI begins its details with the name of the input, which is said already. */
function withoutPrefix(details: string, input = ''): string {
  return input !== '' && details.startsWith(input) ? details.slice(input.length).replace(/^[\s:,-]+/, '') : details;
}

function wordsOfRefused({ type, message, details, extra_info: info }: z.infer<typeof Refused>): string {
  switch (type) {
    case 'missing_node_type': {
      const kind = info?.class_type;
      if (!kind) return 'a node of the workflow has no class_type: save the workflow with "Save (API Format)"';
      return `the server has no node ${kind}: its custom nodes must be installed`;
    }
    case 'prompt_no_outputs':
      return 'the workflow saves nothing: it has no output node';
    default:
      return [message, details].filter(Boolean).join(': ');
  }
}

const RunError = z.object({
  node_id: z.string().nullish(),
  node_type: z.string().nullish(),
  exception_type: z.string().nullish(),
  exception_message: z.string().nullish(),
});
const Message = z.tuple([z.string(), z.unknown()]);

/** torch.OutOfMemoryError, torch.cuda.OutOfMemoryError, and what other libraries say in words */
const OUT_OF_MEMORY = /OutOfMemory|out of memory|Allocation on device/i;

/**
 * Why a run ended badly, from the messages in its history: pairs in ComfyUI, `"name: text"` in the fork, plain text in
 * the fork's REST API.
 */
export function runFailure(messages: readonly unknown[], workflow: Workflow | undefined, clean: Clean): BackendError {
  if (messages.some((message) => nameOf(message) === 'execution_interrupted')) {
    return new BackendError('the run was interrupted at ComfyUI', {
      type: 'failed',
      detail: 'somebody stopped the run at the server',
    });
  }
  const detail = clean(messages.map((message) => wordsOfMessage(message, workflow ?? {})).findLast(Boolean) ?? '');
  return new BackendError('the run ended with an error', { type: 'failed', ...(detail !== undefined && { detail }) });
}

function nameOf(message: unknown): string | undefined {
  if (typeof message === 'string') return /^\w+/.exec(message)?.[0];
  return Message.safeParse(message).data?.[0];
}

function wordsOfMessage(message: unknown, workflow: Workflow): string {
  if (typeof message === 'string') {
    const [, name, text] = /^(execution_\w+)(?::\s*([\s\S]*))?$/.exec(message) ?? [];
    if (name !== undefined && name !== 'execution_error') return '';
    return text ?? (name === undefined ? message : '');
  }
  const [name, data] = Message.safeParse(message).data ?? [];
  if (name !== 'execution_error') return '';
  const { data: error } = RunError.safeParse(data);
  if (!error) return '';
  const { node_id: id, node_type: kind, exception_type: type, exception_message: text } = error;
  const node = id && Object.hasOwn(workflow, id) ? nodeName(workflow, id) : (kind ?? 'the run');
  // What follows in other lines are tips for whoever runs the server.
  const words = text?.trim().split('\n')[0] ?? type ?? '';
  if (OUT_OF_MEMORY.test(`${type} ${text}`)) return `${node} ran out of memory on the server's GPU`;
  return `${node}: ${words}`;
}

function tryParse(text: string): unknown {
  try {
    return parsePythonJson(text);
  } catch {
    return undefined;
  }
}
