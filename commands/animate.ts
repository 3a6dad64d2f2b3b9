import type { Recipe } from '../src/recipes/recipe.ts';
import workflow from './animate.workflow.json' with { type: 'json' };

/** A picture becomes a film that begins with it. What it needs is in animate-workflow.md. */
export default {
  name: 'animate',
  description: 'Make a picture move: a film of a few seconds that begins with it',
  options: {
    picture: {
      kind: 'picture',
      required: true,
      description: 'The first frame. The film has its shape',
      maxSide: 1280,
      parameters: ['4-inputs-image'],
    },
    prompt: {
      kind: 'long-text',
      required: true,
      description: 'What moves, and how: who does what, the wind, the camera. Short sentences work well',
      maxLength: 2000,
      parameters: ['7-inputs-text'],
    },
    avoid: {
      kind: 'long-text',
      description: 'What should not be in the film',
      maxLength: 1000,
      default:
        'still picture, blurred, overexposed, flicker, jitter, deformed face, deformed hands, extra fingers, extra limbs, subtitles, watermark',
      parameters: ['8-inputs-text'],
    },
    length: {
      kind: 'choice',
      description: 'How long the film is. Longer ones cost time. Default: 3 seconds',
      // In frames, 24 a second: the model takes one more than a multiple of four.
      choices: { '2 seconds': 49, '3 seconds': 73, '4 seconds': 97, '5 seconds': 121 },
      default: '3 seconds',
      parameters: ['9-inputs-length'],
    },
    size: {
      kind: 'choice',
      description: 'How large the film is. The quick one is for trying things out. Default: 720p',
      // In megapixels of 1024 × 1024: the picture decides how they are shared out.
      choices: { '480p, quick': 0.38, '720p': 0.86 },
      default: '720p',
      parameters: ['5-inputs-megapixels'],
    },
    steps: {
      kind: 'integer',
      description: 'More steps are finer and slower, 10 to 40. Default: 20',
      min: 10,
      max: 40,
      default: 20,
      parameters: ['11-inputs-steps'],
    },
    seed: {
      kind: 'seed',
      description: 'The same seed with the same answers gives the same film. Default: a new one each time',
      parameters: ['11-inputs-seed'],
    },
  },
  // A graphics card of a few years ago takes half an hour for the longest film, and says nothing while it loads the model.
  timeouts: { idleMs: 15 * 60_000, totalMs: 2 * 3600_000 },
  estimate: { seconds: 240 },
  // A deployment of ViewComfy that has the models can run it too; most have those of one other workflow.
  backends: ['comfyui', 'amqp'],
  workflow: { graph: workflow, always: true },
  // The last frame is an extra: with it as the picture, the next film goes on where this one ends.
  outputs: { main: ['animation'] },
} satisfies Recipe;
