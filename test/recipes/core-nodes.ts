/**
 * What ComfyUI's own nodes take and give, as far as the workflows in `commands/` use them. Read in the source at
 * https://github.com/Comfy-Org/ComfyUI in the autumn of 2026: `nodes.py` at 02217e36 (the loaders, `CLIPTextEncode`,
 * `KSampler`, `LatentFromBatch`, `ImageScaleBy`, `LoadImage`, `SaveImage`, `VAEDecode`), and of `comfy_extras/`:
 * `nodes_qwen.py` at 00827a83, `nodes_string.py` at 4bf9c525, `nodes_sd3.py` at 45e9c52c, `nodes_model_advanced.py` at
 * 691e8278, `nodes_custom_sampler.py` at 065c1df0, `nodes_wan.py` at 679f171b, `nodes_video.py` at 39b885fa,
 * `nodes_images.py` at 015e6046 and `nodes_post_processing.py` at 0c853489. How they are put together is that of
 * Comfy-Org's own templates: https://github.com/Comfy-Org/workflow_templates
 * `templates/image_qwen_image_edit_2511.json` at 167d95a9, and `templates/video_wan2_2_5B_ti2v.json` (as it is in
 * https://github.com/hanzoui/workflow-templates at 22ceb4bf).
 */

/** A type that comes by a link only (`STRING` may be a value too), or what a value may be. */
export type InputRule =
  | string
  | { readonly type: 'INT'; readonly min: number; readonly max: number; readonly step?: number }
  | { readonly type: 'FLOAT'; readonly min: number; readonly max: number }
  | { readonly type: 'COMBO'; readonly options: readonly string[] }
  | { readonly type: 'FILE'; readonly pattern: RegExp };

export interface CoreNode {
  readonly inputs: Readonly<Record<string, InputRule>>;
  readonly optional?: readonly string[];
  /** by slot */
  readonly outputs: readonly string[];
}

const MODEL_FILE = { type: 'FILE', pattern: /\.safetensors$/ } as const;
const MAX_RESOLUTION = 16_384;
const side = { type: 'INT', min: 16, max: MAX_RESOLUTION, step: 16 } as const;

export const CORE_NODES: Readonly<Record<string, CoreNode>> = {
  UNETLoader: {
    inputs: {
      unet_name: MODEL_FILE,
      weight_dtype: { type: 'COMBO', options: ['default', 'fp8_e4m3fn', 'fp8_e4m3fn_fast', 'fp8_e5m2'] },
    },
    outputs: ['MODEL'],
  },
  CLIPLoader: {
    // Of the types only those that are meant; there are thirty.
    inputs: {
      clip_name: MODEL_FILE,
      type: { type: 'COMBO', options: ['qwen_image', 'wan'] },
      device: { type: 'COMBO', options: ['default', 'cpu'] },
    },
    optional: ['device'],
    outputs: ['CLIP'],
  },
  VAELoader: { inputs: { vae_name: MODEL_FILE }, outputs: ['VAE'] },
  LoraLoaderModelOnly: {
    inputs: { model: 'MODEL', lora_name: MODEL_FILE, strength_model: { type: 'FLOAT', min: -100, max: 100 } },
    outputs: ['MODEL'],
  },
  ModelSamplingAuraFlow: {
    inputs: { model: 'MODEL', shift: { type: 'FLOAT', min: 0, max: 100 } },
    outputs: ['MODEL'],
  },
  ModelSamplingSD3: {
    inputs: { model: 'MODEL', shift: { type: 'FLOAT', min: 0, max: 100 } },
    outputs: ['MODEL'],
  },
  CLIPTextEncode: { inputs: { text: 'STRING', clip: 'CLIP' }, outputs: ['CONDITIONING'] },
  KSampler: {
    inputs: {
      model: 'MODEL',
      seed: { type: 'INT', min: 0, max: 2 ** 64 },
      steps: { type: 'INT', min: 1, max: 10_000 },
      cfg: { type: 'FLOAT', min: 0, max: 100 },
      // Of samplers and schedulers only those that are meant.
      sampler_name: { type: 'COMBO', options: ['uni_pc'] },
      scheduler: { type: 'COMBO', options: ['simple'] },
      positive: 'CONDITIONING',
      negative: 'CONDITIONING',
      latent_image: 'LATENT',
      denoise: { type: 'FLOAT', min: 0, max: 1 },
    },
    outputs: ['LATENT'],
  },
  KSamplerSelect: {
    inputs: { sampler_name: { type: 'COMBO', options: ['euler'] } },
    outputs: ['SAMPLER'],
  },
  BasicScheduler: {
    inputs: {
      model: 'MODEL',
      scheduler: { type: 'COMBO', options: ['simple'] },
      steps: { type: 'INT', min: 1, max: 10_000 },
      denoise: { type: 'FLOAT', min: 0, max: 1 },
    },
    outputs: ['SIGMAS'],
  },
  RandomNoise: { inputs: { noise_seed: { type: 'INT', min: 0, max: 2 ** 64 } }, outputs: ['NOISE'] },
  BasicGuider: { inputs: { model: 'MODEL', conditioning: 'CONDITIONING' }, outputs: ['GUIDER'] },
  SamplerCustomAdvanced: {
    inputs: { noise: 'NOISE', guider: 'GUIDER', sampler: 'SAMPLER', sigmas: 'SIGMAS', latent_image: 'LATENT' },
    outputs: ['LATENT', 'LATENT'],
  },
  EmptySD3LatentImage: {
    inputs: { width: side, height: side, batch_size: { type: 'INT', min: 1, max: 4096 } },
    outputs: ['LATENT'],
  },
  LatentFromBatch: {
    inputs: {
      samples: 'LATENT',
      // The newest takes places from the end too, and more of them.
      batch_index: { type: 'INT', min: 0, max: 63 },
      length: { type: 'INT', min: 1, max: 64 },
    },
    outputs: ['LATENT'],
  },
  VAEDecode: { inputs: { samples: 'LATENT', vae: 'VAE' }, outputs: ['IMAGE'] },
  TextEncodeQwenImageEditPlus: {
    inputs: { clip: 'CLIP', prompt: 'STRING', vae: 'VAE', image1: 'IMAGE', image2: 'IMAGE', image3: 'IMAGE' },
    optional: ['vae', 'image1', 'image2', 'image3'],
    outputs: ['CONDITIONING'],
  },
  StringTrim: {
    inputs: { string: 'STRING', mode: { type: 'COMBO', options: ['Both', 'Left', 'Right'] } },
    outputs: ['STRING'],
  },
  StringConcatenate: {
    inputs: { string_a: 'STRING', string_b: 'STRING', delimiter: 'STRING' },
    outputs: ['STRING'],
  },
  LoadImage: {
    inputs: { image: { type: 'FILE', pattern: /\.(?:png|jpe?g|webp)$/ } },
    outputs: ['IMAGE', 'MASK'],
  },
  ImageScaleBy: {
    inputs: {
      image: 'IMAGE',
      upscale_method: { type: 'COMBO', options: ['nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos'] },
      scale_by: { type: 'FLOAT', min: 0.01, max: 8 },
    },
    outputs: ['IMAGE'],
  },
  ImageScaleToTotalPixels: {
    inputs: {
      image: 'IMAGE',
      upscale_method: { type: 'COMBO', options: ['nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos'] },
      megapixels: { type: 'FLOAT', min: 0.01, max: 16 },
      resolution_steps: { type: 'INT', min: 1, max: 256 },
    },
    outputs: ['IMAGE'],
  },
  GetImageSize: { inputs: { image: 'IMAGE' }, outputs: ['INT', 'INT', 'INT'] },
  ImageFromBatch: {
    // The newest takes places from the end too. Beyond the end is the last.
    inputs: {
      image: 'IMAGE',
      batch_index: { type: 'INT', min: 0, max: 4095 },
      length: { type: 'INT', min: 1, max: 4096 },
    },
    outputs: ['IMAGE'],
  },
  Wan22ImageToVideoLatent: {
    inputs: {
      vae: 'VAE',
      width: { type: 'INT', min: 32, max: MAX_RESOLUTION, step: 32 },
      height: { type: 'INT', min: 32, max: MAX_RESOLUTION, step: 32 },
      // Steps of four from 1 on.
      length: { type: 'INT', min: 1, max: MAX_RESOLUTION },
      batch_size: { type: 'INT', min: 1, max: 4096 },
      start_image: 'IMAGE',
    },
    optional: ['start_image'],
    outputs: ['LATENT'],
  },
  CreateVideo: {
    inputs: { images: 'IMAGE', fps: { type: 'FLOAT', min: 1, max: 120 }, audio: 'AUDIO' },
    optional: ['audio'],
    outputs: ['VIDEO'],
  },
  SaveVideo: {
    // The newest has `codec` inside `format` too, as `format.codec`, and takes it beside it for the sake of older graphs.
    inputs: {
      video: 'VIDEO',
      filename_prefix: 'STRING',
      format: { type: 'COMBO', options: ['auto', 'mp4'] },
      codec: { type: 'COMBO', options: ['auto', 'h264'] },
    },
    outputs: [],
  },
  SaveImage: { inputs: { images: 'IMAGE', filename_prefix: 'STRING' }, outputs: [] },
};
