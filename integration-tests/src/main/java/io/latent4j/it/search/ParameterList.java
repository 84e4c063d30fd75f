/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.search;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.util.LeafUtils;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/** Several parameters as one list of values: a space for searches over anything else than networks. */
public final class ParameterList implements ParameterSpace<List<Object>> {
    @JsonProperty
    private final List<ParameterSpace<?>> parameters;

    /**
     * A list of parameters.
     *
     * @param parameters what each place of the list is searched in; the same object in two places gives the same value
     */
    @JsonCreator
    public ParameterList(@JsonProperty("parameters") List<ParameterSpace<?>> parameters) {
        this.parameters = List.copyOf(parameters);
    }

    /**
     * A list of parameters.
     *
     * @param parameters what each place of the list is searched in
     * @return the space
     */
    public static ParameterList of(ParameterSpace<?>... parameters) {
        return new ParameterList(List.of(parameters));
    }

    @Override
    public List<Object> getValue(double[] parameterValues) {
        return parameters.stream()
                .map(parameter -> (Object) parameter.getValue(parameterValues))
                .toList();
    }

    @Override
    public int numParameters() {
        return collectLeaves().stream().mapToInt(leaf -> leaf.numParameters()).sum();
    }

    @Override
    @SuppressWarnings("rawtypes") // as Arbiter declares it
    public List<ParameterSpace> collectLeaves() {
        Stream<ParameterSpace> leaves = parameters.stream().flatMap(parameter -> parameter.collectLeaves().stream());
        return LeafUtils.getUniqueObjects(leaves.toList());
    }

    @Override
    @SuppressWarnings("rawtypes") // as Arbiter declares it
    public Map<String, ParameterSpace> getNestedSpaces() {
        return IntStream.range(0, parameters.size())
                .boxed()
                .collect(Collectors.toMap(String::valueOf, parameters::get));
    }

    @Override
    public boolean isLeaf() {
        return false;
    }

    @Override
    public void setIndices(int... indices) {
        throw new UnsupportedOperationException("indices: expected to be set on the list's leaves");
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ParameterList that && parameters.equals(that.parameters);
    }

    @Override
    public int hashCode() {
        return parameters.hashCode();
    }

    @Override
    public String toString() {
        return "ParameterList" + parameters;
    }
}
