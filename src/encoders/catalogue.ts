// Published weights that `thrum models pull` can fetch, each at the address its authors name.

export type PublishedWeights = {
  /** Name in the registry. */
  id: string;
  url: string;
  /** SHA-256 of the file, where one is published or was verified. The authors publish none so far. */
  sha256?: string;
  source: string;
};

const fisher = (size: string, file: string): PublishedWeights => ({
  id: `fisher-${size}`,
  url: `https://cloud.tsinghua.edu.cn/f/${file}/?dl=1`,
  source: 'FISHER, arXiv 2507.16696, MIT licence',
});

const huggingFace = (id: string, repository: string, source: string): PublishedWeights => ({
  id,
  url: `https://huggingface.co/${repository}/resolve/main/pytorch_model.bin`,
  source: `${source}; licence: see the model page`,
});

/** Nothing is fetched unless a user asks for it by name. */
export const publishedWeights: readonly PublishedWeights[] = [
  {
    id: 'echo-small',
    url: 'https://huggingface.co/yucongzh/echo-small-0824/resolve/main/model.safetensors',
    source: 'ECHO, arXiv 2508.14689; licence: see the model page',
  },
  fisher('tiny', '630a4b1b2962481a9150'),
  fisher('mini', '60b3bfc0977f45f48dff'),
  fisher('small', 'f997a6932b614046915e'),
  huggingFace('wav2vec2-base', 'facebook/wav2vec2-base', 'wav2vec 2.0, arXiv 2006.11477'),
  huggingFace('wav2vec2-xls-r-300m', 'facebook/wav2vec2-xls-r-300m', 'XLS-R, arXiv 2111.09296'),
  huggingFace('hubert-base', 'facebook/hubert-base-ls960', 'HuBERT, arXiv 2106.07447'),
  huggingFace('unispeech-sat-base', 'microsoft/unispeech-sat-base', 'UniSpeech-SAT, arXiv 2110.05752'),
  huggingFace('wavlm-base-plus', 'microsoft/wavlm-base-plus', 'WavLM, arXiv 2110.13900'),
];
