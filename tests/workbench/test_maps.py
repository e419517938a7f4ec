import numpy as np
import pytest

from engines.events import ArtifactReady
from workbench.artifacts import pack
from workbench.map_store import MapStore, Recipe, map_file
from workbench.maps import (
    Map,
    NoMap,
    align,
    layout,
    map_neighbours,
    measure,
    principal_plane,
    unit_rows,
    vote,
)


@pytest.fixture(scope="module")
def digits():
    """(feature_ND, label_N) of 300 images: their pixels, behind a fixed random projection."""
    from engines.data.digits import digits

    train = digits().train
    pixels_ND = train.images_NCHW[:300].flatten(1).numpy() / 16.0
    projection_DE = np.random.default_rng(0).normal(size=(pixels_ND.shape[1], 24))
    return (pixels_ND @ projection_DE).astype(np.float16), train.labels_N[:300].numpy()


@pytest.fixture(scope="module")
def t_sne(digits):
    return layout(*digits, perplexity=15)


def turned(xy_N2, angle, mirror=1):
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return xy_N2 @ rotation * (1, mirror)


def test_that_the_same_features_and_seed_give_the_same_map_bit_for_bit(digits, t_sne):
    again = layout(*digits, perplexity=15)
    assert np.array_equal(again.xy_N2, t_sne.xy_N2)
    assert t_sne.xy_N2.dtype == np.float32
    assert t_sne.words == "t-SNE, perplexity 15, seed 0"


def test_that_t_sne_keeps_neighbourhoods_that_pca_loses(digits, t_sne):
    pca = layout(*digits, "PCA")
    assert t_sne.trustworthiness > 0.95 > pca.trustworthiness


def test_that_the_length_of_a_feature_changes_nothing(digits):
    feature_ND, label_N = digits
    longer_ND = feature_ND.astype(np.float64) * np.linspace(0.5, 20, len(feature_ND))[:, None]
    short = layout(feature_ND.astype(np.float64), label_N, "PCA").xy_N2
    assert np.allclose(layout(longer_ND, label_N, "PCA").xy_N2, short, atol=1e-6)


def test_that_a_map_started_from_the_last_one_stays_close_to_it(digits, t_sne):
    feature_ND, label_N = digits
    noise_ND = np.random.default_rng(1).normal(size=feature_ND.shape)
    moved_ND = feature_ND + 0.02 * np.abs(feature_ND).mean() * noise_ND
    warm = layout(moved_ND, label_N, perplexity=15, start=t_sne.xy_N2)
    cold = layout(moved_ND, label_N, perplexity=15, seed=1)
    size = np.linalg.norm(t_sne.xy_N2)
    assert np.linalg.norm(warm.xy_N2 - t_sne.xy_N2) < 0.3 * size
    assert np.linalg.norm(cold.xy_N2 - t_sne.xy_N2) > np.linalg.norm(warm.xy_N2 - t_sne.xy_N2)
    assert warm.trustworthiness > 0.95


def test_that_aligning_undoes_a_turn_a_mirror_a_size_and_a_shift():
    xy_N2 = np.random.default_rng(0).normal(size=(40, 2))
    changed_N2 = 7 * turned(xy_N2, 2.1, mirror=-1) + (30, -4)
    assert np.allclose(align(changed_N2, xy_N2), xy_N2)


def test_that_aligning_agrees_with_scipy_up_to_the_size():
    from scipy.spatial import procrustes

    random = np.random.default_rng(3)
    xy_N2, to_N2 = random.normal(size=(30, 2)), random.normal(size=(30, 2))
    _, theirs_N2, _ = procrustes(to_N2, xy_N2)
    ours_N2 = align(xy_N2, to_N2)
    ours_N2 = ours_N2 - ours_N2.mean(0)
    assert np.linalg.norm(ours_N2) == pytest.approx(np.linalg.norm(to_N2 - to_N2.mean(0)))
    assert np.allclose(
        ours_N2 / np.linalg.norm(ours_N2), theirs_N2 / np.linalg.norm(theirs_N2), atol=1e-9
    )


def test_that_a_map_of_one_point_is_only_shifted():
    to_N2 = np.random.default_rng(0).normal(size=(6, 2))
    assert np.allclose(align(np.full((6, 2), 3.0), to_N2), to_N2.mean(0))


def test_that_trustworthiness_equals_scikit_learns(digits):
    from sklearn.manifold import trustworthiness

    feature_ND, label_N = digits
    x_ND = unit_rows(feature_ND)
    for xy_N2 in (principal_plane(x_ND), np.random.default_rng(0).normal(size=(len(x_ND), 2))):
        ours = measure(x_ND, xy_N2, label_N)[0]
        assert ours == pytest.approx(trustworthiness(x_ND, xy_N2, n_neighbors=10), abs=1e-12)


def test_that_accuracies_equal_a_count_by_loops(digits):
    feature_ND, label_N = digits
    x_ND, label_N = unit_rows(feature_ND)[:80], label_N[:80]
    xy_N2 = principal_plane(x_ND)

    def by_loops(points_ND):
        right, agreement = 0, []
        for i, point in enumerate(points_ND):
            far = [(float(((point - p) ** 2).sum()), j) for j, p in enumerate(points_ND) if j != i]
            votes = [int(label_N[j]) for _, j in sorted(far)[:10]]
            winner = max(sorted(set(votes)), key=votes.count)
            right += winner == label_N[i]
            agreement.append(votes.count(int(label_N[i])) / 10)
        return right / len(points_ND), agreement

    _, on_map, in_space, agreement_N = measure(x_ND, xy_N2, label_N)
    assert on_map == pytest.approx(by_loops(xy_N2)[0])
    expected, agreement = by_loops(x_ND)
    assert in_space == pytest.approx(expected)
    assert agreement_N == pytest.approx(agreement)


def test_that_a_point_is_no_neighbour_of_itself_even_where_all_coincide():
    found_Nk = map_neighbours(np.zeros((30, 2)), np.arange(30), 5)
    assert (found_Nk != np.arange(30)[:, None]).all()
    assert all(len(set(row)) == 5 for row in found_Nk.tolist())


def test_that_equal_votes_go_to_the_lowest_class():
    assert vote(np.array([[3, 1, 1, 3], [2, 2, 0, 2]])).tolist() == [1, 2]


def test_that_pca_never_comes_out_mirrored(digits):
    x_ND = unit_rows(digits[0])
    plane_N2 = principal_plane(x_ND)
    assert np.allclose(principal_plane(x_ND[::-1]), plane_N2[::-1])
    centred_ND = x_ND - x_ND.mean(0)
    singular = np.linalg.svd(centred_ND, compute_uv=False)[:2]
    assert np.linalg.norm(plane_N2, axis=0) == pytest.approx(singular)


@pytest.mark.parametrize("method", ["t-SNE", "PCA"])
def test_that_a_collapsed_space_and_one_feature_have_maps_of_finite_places(method):
    label_N = np.arange(40) % 4
    for feature_ND in (np.ones((40, 8)), np.zeros((40, 8)), np.linspace(-1, 1, 40)[:, None]):
        made = layout(feature_ND, label_N, method)
        assert made.xy_N2.shape == (40, 2)
        assert np.isfinite(made.xy_N2).all()


def test_that_what_cannot_be_laid_out_is_refused_in_words():
    feature_ND, label_N = np.ones((20, 4)), np.zeros(20, np.int64)
    with pytest.raises(NoMap, match="4 images make no map"):
        layout(feature_ND[:4], label_N[:4])
    feature_ND[3, 1] = feature_ND[7, 2] = np.nan
    with pytest.raises(NoMap, match="2 of 20 embeddings aren't finite"):
        layout(feature_ND, label_N)


def test_that_perplexity_never_asks_for_more_neighbours_than_there_are():
    random = np.random.default_rng(0)
    made = layout(random.normal(size=(10, 4)), np.arange(10) % 2, perplexity=30)
    assert made.words == "t-SNE, perplexity 3, seed 0"


def test_that_progress_counts_iterations_and_what_it_raises_ends_the_work(digits):
    said = []
    layout(*digits, perplexity=15, progress=lambda *told: said.append(told))
    assert (310, 750, "t-SNE, iteration 310 of 750") in said
    assert [done for done, total, _ in said if total == 750] == list(range(10, 751, 10))

    def stop(done, _total, _words):
        if done >= 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        layout(*digits, perplexity=15, progress=stop)


def test_that_a_map_which_lies_says_so():
    def sentence(*measures):
        return Map(np.zeros((3, 2)), *measures, np.zeros(3), "").warning

    assert sentence(0.97, 0.8, 0.85) == ""
    assert "trustworthiness 0.83 is below 0.9" in sentence(0.83, 0.8, 0.85)
    assert "mixes classes that are apart" in sentence(0.97, 0.5, 0.85)
    assert "parts classes that are mixed" in sentence(0.97, 0.85, 0.5)


# Kept on disk


@pytest.fixture
def run(tmp_path, digits):
    """Three embeddings of one run: the projection of the digits, drifting."""
    feature_ND, label_N = digits
    drift_ND = np.random.default_rng(2).normal(size=feature_ND.shape)
    artifacts = []
    for step in (0, 50, 100):
        path = tmp_path / f"embedding-{step:08d}.npz"
        moved_ND = (feature_ND + step * 1e-3 * drift_ND).astype(np.float16)
        path.write_bytes(pack({"feature_ND": moved_ND, "label_N": label_N.astype(np.int16)}))
        artifacts.append(ArtifactReady(step, "embedding", str(path)))
    return artifacts


def never(*_told):
    raise AssertionError("a map was made although there was one")


RECIPE = Recipe(perplexity=15)


def made_all(store, artifacts, recipe=RECIPE):
    maps = []
    while len(maps) < len(artifacts):
        place, made = store.advance(artifacts, recipe)
        assert place == len(maps)
        maps.append(made)
    return maps


def test_that_a_chain_is_made_one_map_a_call_each_from_the_one_before(run, digits):
    first, second, third = made_all(MapStore(), run)
    assert np.array_equal(first.xy_N2, layout(*digits, perplexity=15).xy_N2)
    steps = [np.linalg.norm(b.xy_N2 - a.xy_N2) for a, b in ((first, second), (second, third))]
    assert max(steps) < 0.5 * np.linalg.norm(first.xy_N2)


def test_that_a_later_session_reads_the_maps_instead_of_making_them(run):
    maps = made_all(MapStore(), run)
    place, held = MapStore().advance(run, RECIPE, never)
    assert place == 2
    assert np.array_equal(held.xy_N2, maps[2].xy_N2)
    assert held.trustworthiness == maps[2].trustworthiness
    assert held.words == maps[2].words
    assert np.array_equal(held.agreement_N, maps[2].agreement_N)


def test_that_methods_and_seeds_have_maps_of_their_own(run):
    store = MapStore()
    store.advance(run[:1], RECIPE)
    for recipe in (Recipe("PCA"), Recipe(perplexity=15, seed=1)):
        with pytest.raises(AssertionError, match="a map was made"):
            store.advance(run[:1], recipe, never)
    names = {map_file(run[0].path, recipe).name for recipe in (RECIPE, Recipe("PCA"))}
    assert names == {"embedding-00000000.map-t-sne-p15-s0.npz", "embedding-00000000.map-pca.npz"}


def test_that_a_map_of_other_features_is_not_taken_for_this_ones(run, tmp_path):
    recipe = Recipe("PCA")
    made_all(MapStore(), run, recipe)
    other = tmp_path / "resumed" / "embedding-00000050.npz"  # as a resumed run leaves it
    other.parent.mkdir()
    other.write_bytes((tmp_path / "embedding-00000100.npz").read_bytes())
    stale = map_file(run[1].path, recipe)
    map_file(str(other), recipe).write_bytes(stale.read_bytes())
    chain = [run[0], ArtifactReady(50, "embedding", str(other))]
    with pytest.raises(AssertionError, match="a map was made"):
        MapStore().advance(chain, recipe, never)
    place, _ = MapStore().advance(chain, recipe)
    assert place == 1
    assert MapStore().advance(chain, recipe, never)[0] == 1


def test_that_a_damaged_map_is_made_again(run):
    recipe = Recipe("PCA")
    (made,) = made_all(MapStore(), run[:1], recipe)
    map_file(run[0].path, recipe).write_bytes(b"half a fi")
    _, again = MapStore().advance(run[:1], recipe)
    assert np.array_equal(again.xy_N2, made.xy_N2)
    assert MapStore().advance(run[:1], recipe, never)[0] == 0


def test_that_a_folder_that_cannot_be_written_still_gives_a_map(run, monkeypatch):
    def full(_path, _content):
        raise OSError("no space")

    monkeypatch.setattr("workbench.map_store.atomic_write", full)
    store = MapStore()
    store.advance(run[:1], Recipe("PCA"))
    assert store.advance(run[:1], Recipe("PCA"), never)[0] == 0


def test_that_a_missing_artifact_is_an_error_with_its_name(tmp_path):
    gone = ArtifactReady(0, "embedding", str(tmp_path / "gone.npz"))
    with pytest.raises(OSError, match="gone"):
        MapStore().advance([gone], RECIPE)
