import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workflows of ViewComfy's examples; they may be absent. */
export const SHARED = fileURLToPath(new URL('../../../shared/workflows/', import.meta.url));
export const FLUX = join('flux-consistent-characters', 'workflow_api.json');

/** Two passes with one prompt through a reroute, a negative one, a picture, and a size that a node of its own holds. */
export const GRAPH = {
  '9': {
    class_type: 'SaveImage',
    _meta: { title: 'Save Image' },
    inputs: { filename_prefix: 'Out/Portrait_%date%', images: ['8', 0] },
  },
  '3': {
    class_type: 'KSampler',
    _meta: { title: 'KSampler' },
    inputs: {
      seed: 7,
      steps: 20,
      cfg: 6.5,
      positive: ['31', 0],
      negative: ['31', 1],
      latent_image: ['5', 0],
      model: ['4', 0],
    },
  },
  '31': {
    class_type: 'ControlNetApplyAdvanced',
    inputs: { strength: 0.6, positive: ['20', 0], negative: ['7', 0], control_net: ['32', 0], image: ['12', 0] },
  },
  '20': { class_type: 'Reroute', inputs: { '': ['6', 0] } },
  '6': { class_type: 'CLIPTextEncode', inputs: { text: ['21', 0], clip: ['4', 1] } },
  '21': { class_type: 'PrimitiveStringMultiline', _meta: { title: 'What to draw' }, inputs: { value: 'a cat' } },
  '7': { class_type: 'CLIPTextEncode', inputs: { text: 'blurry', clip: ['4', 1] } },
  '5': { class_type: 'EmptyLatentImage', inputs: { width: ['22', 0], height: 768, batch_size: 1 } },
  '22': { class_type: 'PrimitiveInt', inputs: { value: 512 } },
  '12': { class_type: 'LoadImage', _meta: { title: 'Load Image' }, inputs: { image: 'a.png', upload: 'image' } },
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'x.safetensors' } },
  '32': { class_type: 'ControlNetLoader', inputs: { control_net_name: 'y.safetensors' } },
  '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
  '40': {
    class_type: 'KSampler',
    inputs: { seed: 9, steps: 20, cfg: 1, positive: ['20', 0], negative: ['7', 0], model: ['4', 0] },
  },
};

/** A field of a form, for one input of one node. */
export const field = (path: readonly string[], more: object) => ({
  workflowPath: [path[0], 'inputs', path[1]],
  title: '',
  ...more,
});

/** The text of a `view_comfy.json` with one form. */
export const form = (inputs: readonly object[], graph: object = GRAPH) =>
  JSON.stringify({
    file_type: 'view_comfy',
    workflows: [
      {
        viewComfyJSON: { title: 'Portraits', description: 'Draws a portrait', inputs: [{ title: 'All', inputs }] },
        workflowApiJSON: graph,
      },
    ],
  });
