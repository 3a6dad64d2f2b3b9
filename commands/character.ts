import type { Recipe } from '../src/recipes/recipe.ts';
import workflow from './character.workflow.json' with { type: 'json' };

/**
 * The Flux consistent-characters workflow of ViewComfy: a portrait and a pose sheet become a character sheet, and the
 * character of the sheet is put into four scenes.
 */
export default {
  name: 'character',
  description: 'Put your character into four new scenes',
  options: {
    prompt: {
      kind: 'text',
      required: true,
      description: 'What your character looks like: face, hair, clothes. The scenes come below',
      maxLength: 1500,
      parameters: ['594-inputs-string'],
    },
    character: {
      kind: 'picture',
      required: true,
      description: 'A picture of your character. A well-lit portrait works best',
      maxSide: 2048,
      parameters: ['626-inputs-image'],
    },
    pose: {
      kind: 'picture',
      description: 'A pose sheet in the layout of the default one: the heads must be in the same places',
      maxSide: 1280,
      default: new URL('character-pose.png', import.meta.url),
      parameters: ['625-inputs-image'],
    },
    scene1: {
      kind: 'text',
      description: 'First scene: a place, a light, a mood. Default: an old forest',
      maxLength: 1000,
      default:
        'in an old forest after rain, moss and ferns, mist between the trunks, soft green light, half-length portrait, calm look into the camera',
      parameters: ['426-inputs-string'],
    },
    scene2: {
      kind: 'text',
      description: 'Second scene. Default: a city at sunset',
      maxLength: 1000,
      default:
        'on a city street at sunset, low warm sun behind the houses, long shadows, walking towards the camera, light smile, shallow depth of field',
      parameters: ['436-inputs-string'],
    },
    scene3: {
      kind: 'text',
      description: 'Third scene. Default: on stage at a concert',
      maxLength: 1000,
      default:
        'on the stage of a small concert, magenta and blue spotlights, haze, dark background, looking to the side, singing',
      parameters: ['443-inputs-string'],
    },
    scene4: {
      kind: 'text',
      description: 'Fourth scene. Default: a desert at noon',
      maxLength: 1000,
      default:
        'in a wide desert of pale dunes at noon, deep blue sky, wind in the hair, hard side light, surprised look, close-up',
      parameters: ['458-inputs-string'],
    },
    style: {
      kind: 'text',
      description: 'Style and quality of every picture, for example: watercolour, soft edges',
      maxLength: 500,
      default: 'a natural photograph, sharp focus on the face, fine detail, balanced colours',
      parameters: ['608-inputs-string'],
    },
    upscale: {
      kind: 'number',
      description: 'How much larger the character sheet is made, 1 to 4. It costs time. Default: 2',
      min: 1,
      max: 4,
      default: 2,
      parameters: ['82-inputs-upscale_by'],
    },
    seed: {
      kind: 'seed',
      description: 'The same seed with the same answers gives the same pictures. Default: a new one each time',
      parameters: ['499-inputs-noise_seed'],
    },
  },
  // For ComfyUI servers. Its inputs have the node ids of the Flux workflow, but one: core ComfyUI calls it otherwise.
  workflow: { graph: workflow, parameters: { upscale: ['82-inputs-scale_by'] } },
  // Segmind's model makes something like it, from the same answers.
  backends: ['viewcomfy', 'comfyui', 'amqp', 'segmind'],
  outputs: { main: ['Image_1', 'Image_2', 'Image_3', 'Image_4'] },
} satisfies Recipe;
