"""The images most like one by the encoder's features, not by the map."""

import numpy as np

NEIGHBOURS = 8


def nearest_images(feature_ND: np.ndarray, index: int) -> list[tuple[int, float]]:
    """(index, cosine similarity) of the most similar other images, most similar first.

    Runs on a worker thread: reads, computes, touches no widget.
    """
    import torch

    from engines.contrastive.readout import nearest

    bank_ND = torch.from_numpy(feature_ND.astype(np.float32))
    k = min(NEIGHBOURS + 1, len(bank_ND))
    similarity_1k, number_1k = nearest(bank_ND, bank_ND[index : index + 1], k=k)
    found = zip(number_1k[0].tolist(), similarity_1k[0].tolist(), strict=True)
    return [(other, cosine) for other, cosine in found if other != index][:NEIGHBOURS]
