"""Train, validation and test: three disjoint, seeded, stratified parts of a source."""

import difflib

import torch
from torch import Tensor

from engines.data.source import DataError, ImageDataset, Images, Source, content_digest
from engines.keyed import generator
from engines.registry import SplitKnobs

TEST_SHARE = 0.2  # of a source that has no test images of its own


def split(source: Source, knobs: SplitKnobs, name: str, title: str) -> ImageDataset:
    """`source` as three disjoint splits, chosen by `knobs` and by nothing else.

    Each class's images are put in an order keyed by (split_seed, class name); the test
    part is its head, then comes validation, then training. So the test part does not
    depend on the validation share, and 100 training images are among the first 200.

    Raises:
        DataError: a class is unknown or named twice, or a split would be empty.
    """
    source = with_classes(source, knobs.classes)
    rest = _shuffled_by_class(source, knobs.split_seed)
    test, validation = source.test, source.validation
    if test is None:
        chosen, rest = _take(rest, round(TEST_SHARE * len(source.train)))
        test = source.train.pick(chosen)
    if validation is None:
        available = sum(map(len, rest))
        chosen, rest = _take(rest, max(1, round(knobs.validation_share * available)))
        validation = source.train.pick(chosen)
    available = sum(map(len, rest))
    chosen, _ = _take(rest, min(knobs.train_images or available, available))
    train = source.train.pick(chosen)
    for part, images in (("training", train), ("validation", validation), ("test", test)):
        if not len(images):
            raise DataError(
                f"{title}: no {part} images are left of {len(source.train)}; "
                "choose more classes or add images"
            )
    return ImageDataset(
        name,
        title,
        source.classes,
        train,
        validation,
        test,
        content_digest(train, validation, test),
        source.notes,
    )


def with_classes(source: Source, wanted: tuple[str, ...]) -> Source:
    """Only the images of the classes called `wanted`, relabelled to that order; () keeps all.

    Raises:
        DataError: a name is unknown (the nearest known one is proposed) or given twice.
    """
    if not wanted:
        return source
    for number, word in enumerate(wanted):
        if word not in source.classes:
            near = difflib.get_close_matches(word, source.classes, n=1, cutoff=0.0)
            known = ", ".join(source.classes[:30]) + (" …" if len(source.classes) > 30 else "")
            raise DataError(
                f"classes: {word!r} is unknown; did you mean {near[0]!r}? Known: {known}"
            )
        if word in wanted[:number]:
            raise DataError(f"classes: {word!r} is named twice; name each class once")
    new_label_K = torch.full((len(source.classes),), -1, dtype=torch.int64)
    for number, word in enumerate(wanted):
        new_label_K[source.classes.index(word)] = number
    return Source(
        wanted,
        _relabelled(source.train, new_label_K),
        source.test and _relabelled(source.test, new_label_K),
        source.notes,
        source.validation and _relabelled(source.validation, new_label_K),
    )


def _relabelled(images: Images, new_label_K: Tensor) -> Images:
    """The images whose new label is not -1."""
    label_N = new_label_K[images.labels_N]
    kept = images.pick(torch.nonzero(label_N >= 0).flatten())
    return Images(kept.images_NCHW, new_label_K[kept.labels_N], kept.factors)


def _shuffled_by_class(source: Source, seed: int) -> list[Tensor]:
    """For each class the indices of its training images, in their keyed order."""
    orders = []
    for number, word in enumerate(source.classes):
        index_M = torch.nonzero(source.train.labels_N == number).flatten()
        order_M = torch.randperm(len(index_M), generator=generator(seed, "split", word))
        orders.append(index_M[order_M])
    return orders


def _take(orders: list[Tensor], count: int) -> tuple[Tensor, list[Tensor]]:
    """The heads of `orders`, `count` indices in all, sorted, and the rest.

    Each gives in proportion to its length; largest remainders decide who gives one more,
    so no class is off by a whole image.
    """
    total = sum(map(len, orders))
    shares = [count * len(order) / max(total, 1) for order in orders]
    quotas = [int(share) for share in shares]
    by_remainder = sorted(range(len(orders)), key=lambda k: (quotas[k] - shares[k], k))
    for k in by_remainder[: count - sum(quotas)]:
        quotas[k] += 1
    heads = [order[:quota] for order, quota in zip(orders, quotas, strict=True)]
    rest = [order[quota:] for order, quota in zip(orders, quotas, strict=True)]
    return torch.cat(heads).sort().values, rest
