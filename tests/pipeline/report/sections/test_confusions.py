from __future__ import annotations

from pipeline.report.content import Matrix, Table
from pipeline.report.sections.confusions import classes, confusions
from tests.pipeline.report.materials import a_material, a_prediction_table, cell_of, rows_of

MANY = [f"class {label}" for label in range(1000)]


def test_counts_by_true_and_predicted_class() -> None:
    """The matrix has every image, and the confusions are listed by how often they happen."""
    table = a_prediction_table([(0, 0), (0, 1), (0, 1), (1, 1), (2, 0)])
    section = confusions(a_material(predictions=table, labels=["a", "b", "c"]))
    assert section is not None
    matrix, pairs = section.blocks
    assert isinstance(matrix, Matrix)
    assert matrix.counts == [[1, 2, 0], [0, 1, 0], [1, 0, 0]]
    assert rows_of(pairs) == [["a", "b", "2", "66.7%"], ["c", "a", "1", "100.0%"]]
    assert cell_of(pairs, 1, 3).share == 1.0


def test_a_model_without_mistakes_has_no_confusions() -> None:
    """The matrix alone is shown."""
    section = confusions(a_material(predictions=a_prediction_table([(0, 0), (1, 1)]), labels=["a", "b"]))
    assert section is not None
    assert [block.kind for block in section.blocks] == ["matrix"]


def test_of_many_classes_the_most_confused_are_shown() -> None:
    """A thousand classes give a matrix of twenty, those in most mistakes, and say so."""
    wrong = [(label, 999) for label in range(500, 530) for _ in range(label - 499)]
    table = a_prediction_table([*((label, label) for label in range(1000)), *wrong])
    section = confusions(a_material(predictions=table, labels=MANY))
    assert section is not None
    matrix = section.blocks[0]
    assert isinstance(matrix, Matrix)
    assert list(matrix.labels) == [*(f"class {label}" for label in range(511, 530)), "class 999"]
    assert matrix.counts[0] == [1, *[0] * 18, 12]
    assert matrix.caption.endswith("The 20 of 1,000 classes that are confused most.")


def test_each_class_has_a_row() -> None:
    """In the order of the classes; a figure that one class alone has not is left empty."""
    figures = {"precision": 0.5, "recall": 1.0, "f1": 0.6667, "auc": 0.9, "example_count": 4.0}
    without = {name: value for name, value in figures.items() if name != "auc"}
    section = classes(a_material(labels=["b", "a"], slices={"label": {"a": figures, "b": without}}))
    assert section is not None
    [table] = section.blocks
    assert rows_of(table) == [
        ["b", "4", "0.5000", "1.0000", "0.6667", ""],
        ["a", "4", "0.5000", "1.0000", "0.6667", "0.9000"],
    ]


def test_of_many_classes_the_worst_have_a_row() -> None:
    """The fifty with the lowest F1, the worst first."""
    by_class = {
        label: {"precision": 1.0, "recall": 1.0, "f1": place / 1000, "example_count": 1.0}
        for place, label in enumerate(MANY)
    }
    section = classes(a_material(labels=MANY, slices={"label": by_class}))
    assert section is not None
    [table] = section.blocks
    assert isinstance(table, Table)
    assert [row[0] for row in rows_of(table)] == MANY[:50]
    assert table.caption.startswith("The 50 of 1,000 classes")


def test_without_an_evaluation_there_is_nothing() -> None:
    """A run that stopped before has neither."""
    assert confusions(a_material()) is None
    assert classes(a_material()) is None
