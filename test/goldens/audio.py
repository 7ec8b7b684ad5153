"""Writes audio.json: what torchaudio makes of a sound. Run: python3 audio.py  (pip install torchaudio)"""

import json
import os

import torch
import torchaudio
import torchaudio.functional as F
import torchaudio.transforms as T

RATE, LENGTH = 8000, 1234

generator = torch.Generator().manual_seed(3)
time = torch.arange(LENGTH) / RATE
chirp = torch.sin(2 * torch.pi * (200 + 4000 * time) * time) * torch.linspace(0, 1, LENGTH)
sound = (8000 * chirp + 300 * torch.randn(LENGTH, generator=generator)).round().clamp(-32768, 32767)
x = (sound / 32768).double()


def log_mel(x, frame, points, mels, low, high):
    # torch.stft puts a window that is shorter than the transform into its middle.
    x = torch.nn.functional.pad(x, [(points - frame) // 2] * 2)
    spectrogram = T.MelSpectrogram(
        RATE, n_fft=points, win_length=frame, hop_length=80, center=False, n_mels=mels, f_min=low, f_max=high
    ).double()
    return spectrogram(x).clamp(min=1e-6).log()


def digits(values, places):
    return [round(value, places) for value in values.flatten().tolist()]


whole = log_mel(x, 256, 256, 20, 20.0, 4000.0)
golden = {
    "made": f"audio.py, torchaudio {torchaudio.__version__}, torch {torch.__version__}",
    "sampleRate": RATE,
    "sound": [int(value) for value in sound.tolist()],
    "whole": digits(whole.T, 6),
    "padded": digits(log_mel(x, 200, 256, 12, 100.0, 3000.0).T, 6),
    "delta": digits(F.compute_deltas(whole).T, 6),
    "deltaOfDelta": digits(F.compute_deltas(F.compute_deltas(whole)).T, 6),
    "up": digits(F.resample(x, RATE, 11025, lowpass_filter_width=16, rolloff=0.95)[:400], 8),
    "down": digits(F.resample(x, RATE, 5000, lowpass_filter_width=16, rolloff=0.95), 8),
}
with open(os.path.join(os.path.dirname(__file__), "audio.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
