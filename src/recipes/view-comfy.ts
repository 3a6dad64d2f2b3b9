import { z } from 'zod';
import type { Place } from './workflow.ts';
import {
  isViewComfyForm,
  readWritten,
  WorkflowFileError,
  workflowSource,
  type WorkflowSource,
} from './workflow-file.ts';
import { writtenAt, type Written } from './written-json.ts';

/** `view_comfy.json`: the forms that a ViewComfy app shows for its workflows. */
export interface Form {
  readonly title: string;
  readonly description: string;
  readonly fields: readonly FormField[];
  /** undefined where the file has none with this form */
  readonly source: WorkflowSource | undefined;
}

export interface FormField {
  readonly place: Place;
  readonly title: string;
  /** of the group of fields that it is in, which is a node */
  readonly group: string;
  /** whether nobody else is shown in its group */
  readonly alone: boolean;
  readonly section: 'basic' | 'advanced';
  /** a kind of input, such as `long-text`; ViewComfy adds some now and then */
  readonly valueType: string;
  /** what stands in the field at first; undefined for none, and for a file */
  readonly value: Written | undefined;
  readonly required: boolean;
  /** empty for none */
  readonly help: string;
  /** what is said when an answer is not taken; empty for none */
  readonly message: string;
  readonly choices: readonly { readonly label: string; readonly value: string }[];
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  /** what is hidden is sent all the same; what is deleted is not */
  readonly visibility: 'active' | 'hidden' | 'deleted';
}

/** What ViewComfy's editor writes where its author wrote nothing. */
const NO_HELP = 'Helper Text';

/** The value of a field whose number is to be another one every time: the smallest number there is. */
export const RANDOM_SENTINEL = Number.MIN_VALUE;

const Text = z.string().catch('');
const Bound = z.number().optional().catch(undefined);
const Visibility = z.enum(['active', 'hidden', 'deleted']).catch('active');

const Field = z.object({
  title: Text,
  workflowPath: z.array(z.union([z.string(), z.number()]).transform(String)).catch([]),
  key: Text,
  valueType: z.string(),
  helpText: Text,
  tooltip: Text,
  validations: z
    .object({ required: z.boolean().catch(false), errorMsg: Text })
    .catch({ required: false, errorMsg: '' }),
  options: z
    .array(z.object({ label: Text, value: z.union([z.string(), z.number(), z.boolean()]).transform(String) }))
    .catch([]),
  slider: z.object({ min: Bound, max: Bound, step: Bound }).catch({}),
  range: z.object({ min: Bound, max: Bound }).catch({}),
  visibility: Visibility,
});
type Field = z.infer<typeof Field>;

const Group = z.object({ title: Text, visibility: Visibility, inputs: z.array(Field) });

const App = z.object({
  workflows: z
    .array(
      z.object({
        viewComfyJSON: z.object({
          title: Text,
          description: Text,
          inputs: z.array(Group).default([]),
          advancedInputs: z.array(Group).default([]),
        }),
        workflowApiJSON: z.unknown().optional(),
      }),
    )
    .min(1),
});

/** The forms of an app; undefined for JSON of any other sort. @throws WorkflowFileError */
export async function readViewComfyFile(path: string): Promise<readonly Form[] | undefined> {
  const { json, written } = await readWritten(path);
  return isViewComfyForm(json) ? formsOf(path, json, written) : undefined;
}

/**
 * @param path what messages call the file
 * @throws WorkflowFileError where the file has no form, one that cannot be read, or a workflow that is none
 */
export function formsOf(path: string, json: unknown, written: Written): readonly Form[] {
  const app = App.safeParse(json);
  if (!app.success) {
    const [issue] = app.error.issues;
    throw new WorkflowFileError(
      `${path} is no form of a ViewComfy app that can be read: ${issue?.path.join('.')}: ${issue?.message}. ` +
        'In ViewComfy: the editor, Download as JSON.',
    );
  }
  return app.data.workflows.map(({ viewComfyJSON: form, workflowApiJSON: graph }, index) => {
    const at = writtenAt(written, 'workflows', index);
    const formAt = writtenAt(at, 'viewComfyJSON');
    return {
      title: form.title,
      description: form.description,
      fields: [
        ...form.inputs.flatMap((group, at) => fieldsOf(group, 'basic', writtenAt(formAt, 'inputs', at))),
        ...form.advancedInputs.flatMap((group, at) =>
          fieldsOf(group, 'advanced', writtenAt(formAt, 'advancedInputs', at)),
        ),
      ],
      source:
        graph === undefined || graph === null
          ? undefined
          : workflowSource(`The workflow in ${path}`, graph, writtenAt(at, 'workflowApiJSON')),
    };
  });
}

function fieldsOf(
  group: z.infer<typeof Group>,
  section: FormField['section'],
  written: Written | undefined,
): FormField[] {
  const visibilities = group.inputs.map((field) => stronger(group.visibility, field.visibility));
  const alone = visibilities.filter((visibility) => visibility === 'active').length <= 1;
  return group.inputs.flatMap((field, index) => {
    const place = placeOfField(field);
    const { min = field.range.min, max = field.range.max, step } = field.slider;
    return place === undefined
      ? []
      : [
          {
            place,
            title: field.title,
            group: group.title,
            alone,
            section,
            valueType: field.valueType,
            value: valueOf(writtenAt(written, 'inputs', index, 'value')),
            required: field.validations.required,
            help: [field.helpText, field.tooltip].find((text) => text !== '' && text !== NO_HELP) ?? '',
            message: field.validations.errorMsg,
            choices: field.options,
            ...(min !== undefined && { min }),
            ...(max !== undefined && { max }),
            ...(step !== undefined && { step }),
            visibility: visibilities[index] ?? 'active',
          },
        ];
  });
}

/** The path tells where a name with dashes ends, which the key does not; older files have a key alone. */
function placeOfField({ workflowPath: [node, inputs, ...input], key }: Field): Place | undefined {
  if (node !== undefined && inputs === 'inputs' && input.length === 1) return { node, input: input.join('') };
  const [, first, rest] = /^(.+?)-inputs-(.+)$/s.exec(key) ?? [];
  return first !== undefined && rest !== undefined ? { node: first, input: rest } : undefined;
}

/** `null` and `{}` stand for a file that is not chosen yet. */
function valueOf(value: Written | undefined): Written | undefined {
  return value === null || value instanceof Map || Array.isArray(value) ? undefined : value;
}

function stronger(group: FormField['visibility'], field: FormField['visibility']): FormField['visibility'] {
  return group === 'deleted' || (group === 'hidden' && field === 'active') ? group : field;
}
